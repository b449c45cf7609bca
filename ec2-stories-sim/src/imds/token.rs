//! Session tokens of IMDSv2.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Longest life of a token in seconds: six hours.
pub(super) const MAX_TTL: i64 = 21_600;
const DIGEST: usize = 32;

/// A token for an instance until then. It carries its end and a digest, so that nobody has to remember it.
pub(super) fn issue(instance: &str, until: Timestamp) -> String {
    let seconds = until.as_second();
    let bytes = [digest(instance, seconds).as_slice(), &seconds.to_be_bytes()].concat();
    BASE64_URL_SAFE.encode(bytes)
}

/// The seconds that a token is still good for; nothing for one that is another instance's, made up or over.
pub(super) fn remaining(token: &str, instance: &str, now: Timestamp) -> Option<i64> {
    let bytes = BASE64_URL_SAFE.decode(token).ok()?;
    let (found, seconds) = bytes.split_at_checked(DIGEST)?;
    let seconds = i64::from_be_bytes(seconds.try_into().ok()?);
    let left = seconds - now.as_second();
    (found == digest(instance, seconds).as_slice() && left > 0).then_some(left)
}

fn digest(instance: &str, seconds: i64) -> Vec<u8> {
    Sha256::digest(format!("metadata token {instance} {seconds}")).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_instance_until_its_end() {
        let at = |seconds: i64| Timestamp::from_second(1_767_225_600 + seconds).unwrap();
        let token = issue("i-1", at(60));
        assert_eq!(remaining(&token, "i-1", at(0)), Some(60));
        assert_eq!(remaining(&token, "i-1", at(60)), None);
        assert_eq!(remaining(&token, "i-2", at(0)), None);
        assert_eq!(remaining("AQAEAA==", "i-1", at(0)), None);
        assert_eq!(remaining("", "i-1", at(0)), None);
    }
}
