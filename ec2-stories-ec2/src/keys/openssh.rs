//! As much of OpenSSH's key formats as it takes to tell one key from another
//! (<https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key>).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// The key types that EC2 imports.
const IMPORTED: [&str; 2] = ["ssh-ed25519", "ssh-rsa"];

/// The public key's blob, from a line of `authorized_keys`: type, base64, comment.
pub(super) fn public_blob(line: &str) -> Option<Vec<u8>> {
    let mut words = line.split_whitespace();
    let (kind, blob) = (words.next()?, STANDARD.decode(words.next()?).ok()?);
    let known = IMPORTED.contains(&kind) && take_string(&mut blob.as_slice())? == kind.as_bytes();
    known.then_some(blob)
}

/// The public key's blob, from a private key's file. It is there in the clear even where the private part is encrypted.
pub(super) fn blob_of_private(pem: &str) -> Option<Vec<u8>> {
    let body = pem.split_once("-----BEGIN OPENSSH PRIVATE KEY-----")?.1;
    let body: String = body.split_once("-----END")?.0.split_whitespace().collect();
    let bytes = STANDARD.decode(body).ok()?;
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    for _cipher_kdf_options in 0..3 {
        take_string(&mut rest)?;
    }
    let (count, mut rest) = rest.split_first_chunk()?;
    (u32::from_be_bytes(*count) == 1).then_some(())?;
    take_string(&mut rest).map(ToOwned::to_owned)
}

/// The public key as a line of `authorized_keys`, without a comment.
pub(super) fn public_line(blob: &[u8]) -> String {
    let kind = take_string(&mut &*blob).unwrap_or_default();
    format!("{} {}", String::from_utf8_lossy(kind), STANDARD.encode(blob))
}

/// SHA-256 in base64, as EC2 gives it for ED25519 keys and `ssh-keygen -l` for all.
pub(super) fn fingerprint(blob: &[u8]) -> String {
    STANDARD_NO_PAD.encode(Sha256::digest(blob))
}

/// Whether EC2's fingerprint is this blob's; `None` where it is of another form, as RSA keys have it.
pub(super) fn matches(theirs: &str, blob: &[u8]) -> Option<bool> {
    let bare = theirs.trim_start_matches("SHA256:").trim_end_matches('=');
    (bare.len() == 43).then(|| bare == fingerprint(blob))
}

fn take_string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let (string, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = after;
    Some(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made for this test with ssh-keygen and used nowhere.
    const PUBLIC: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILuIvnBgnOpKaE0Fw5gCC3uEmIy7VSYPkhaymwsNRi+A test";
    const PRIVATE: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----\n\
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n\
QyNTUxOQAAACC7iL5wYJzqSmhNBcOYAgt7hJiMu1UmD5IWspsLDUYvgAAAAIhXdb1OV3W9\n\
TgAAAAtzc2gtZWQyNTUxOQAAACC7iL5wYJzqSmhNBcOYAgt7hJiMu1UmD5IWspsLDUYvgA\n\
AAAEDr8a1h9hvNDpik5IePwi91MvIG9glqB8xUDbD7NO/9vLuIvnBgnOpKaE0Fw5gCC3uE\n\
mIy7VSYPkhaymwsNRi+AAAAABHRlc3QB\n\
-----END OPENSSH PRIVATE KEY-----";

    #[test]
    fn both_halves_of_a_pair_have_the_same_fingerprint() {
        let blob = public_blob(PUBLIC).unwrap();
        assert_eq!(blob_of_private(PRIVATE).unwrap(), blob);
        assert_eq!(format!("{} test", public_line(&blob)), PUBLIC);
        assert_eq!(fingerprint(&blob), "qQLPYPCjnp0Tdec0qL10ALhTtLHqOFcduaoC+emYv9I");
        assert_eq!(matches("qQLPYPCjnp0Tdec0qL10ALhTtLHqOFcduaoC+emYv9I=", &blob), Some(true));
        assert_eq!(matches(&fingerprint(b"another"), &blob), Some(false));
        assert_eq!(matches("1f:51:ae:28:bf:89", &blob), None);
    }

    #[test]
    fn what_is_no_key_is_none() {
        for line in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAAB3NzaC1kc3M=", "-----BEGIN"] {
            assert_eq!(public_blob(line), None, "{line}");
        }
        assert_eq!(blob_of_private("-----BEGIN RSA PRIVATE KEY-----"), None);
    }
}
