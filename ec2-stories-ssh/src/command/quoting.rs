//! Words for a POSIX shell.

/// Writes a word so that a POSIX shell reads exactly these bytes.
#[must_use]
pub fn quote(word: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"%+,-./:=@_".contains(byte);
    if !word.is_empty() && word.iter().all(plain) {
        return word.to_vec();
    }
    let mut quoted = Vec::with_capacity(word.len() + 2);
    quoted.push(b'\'');
    for byte in word {
        match byte {
            // Within single quotes only their end is special.
            b'\'' => quoted.extend_from_slice(br"'\''"),
            // Except in fish, which may be the user's: there a backslash before the end would take it away.
            b'\\' => quoted.extend_from_slice(br"'\\'"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_words_stay_readable() {
        assert_eq!(quote(b"/usr/bin/env"), b"/usr/bin/env");
        assert_eq!(quote(b""), b"''");
        assert_eq!(quote(b"it's"), br"'it'\''s'");
        assert_eq!(quote(br"a\"), br"'a'\\''");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_real_shell_reads_the_same_bytes(word in proptest::collection::vec(1..=255u8, 0..80)) {
            let mut script = b"printf %s ".to_vec();
            script.extend(quote(&word));
            let output = std::process::Command::new("/bin/sh")
                .arg("-c")
                .arg(std::ffi::OsStr::from_bytes(&script))
                .output()
                .unwrap();
            prop_assert_eq!(output.stdout, word);
        }
    }
}
