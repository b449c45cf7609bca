//! A machine's own words, without what may be a secret.
//!
//! Guests print passwords and keys on their console, and errors end up in logs. It cannot be known what is a secret, so more is
//! left out than must be: whole lines that speak of one, blocks of keys, and words that look random.

const SPOKEN: [&str; 8] =
    ["passw", "secret", "token", "credential", "private", "api_key", "apikey", "passphrase"];
/// Shorter words are hardly keys, and longer ones in plain words are rare.
const LONG: usize = 20;

/// The text, with `[withheld]` in the place of what may be a secret.
pub(crate) fn withhold(text: &str) -> String {
    let mut shown = Vec::new();
    let mut block = false;
    for line in text.lines() {
        let begins = line.contains("-----BEGIN") && line.contains("KEY");
        let ends = line.contains("-----END");
        let lower = line.to_lowercase();
        if block || begins || SPOKEN.iter().any(|word| lower.contains(word)) {
            shown.push("[withheld]".to_owned());
        } else {
            shown.push(words(line));
        }
        block = (block || begins) && !ends;
    }
    shown.dedup_by(|a, b| a == "[withheld]" && a == b);
    shown.join("\n")
}

fn words(line: &str) -> String {
    let shown = line.split(' ').map(|word| if looks_random(word) { "[withheld]" } else { word });
    shown.collect::<Vec<_>>().join(" ")
}

fn looks_random(word: &str) -> bool {
    // A path or a name has its separators; what stands between them is short.
    word.split(['/', '.', ':', '-', '_', ',', '[', ']', '(', ')', '\'', '"']).any(|part| {
        let digits = part.chars().filter(char::is_ascii_digit).count();
        part.chars().count() >= LONG && digits > 0 && digits < part.len()
            || part.len() >= 2 * LONG
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let text = "Set the following 'random' passwords\nuser:x\nAWS wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY ok\n\
                    -----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----\ndone";
        assert_eq!(withhold(text), "[withheld]\nuser:x\nAWS [withheld] ok\n[withheld]\ndone");
    }

    #[test]
    fn plain_words_are_shown() {
        let text = "[  12.345678] cloud-init[512]: Failed to run module scripts-user in /var/lib/cloud/instances/i-0123456789abcdef0";
        assert_eq!(withhold(text), text);
    }
}
