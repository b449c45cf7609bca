//! Idempotency tokens that every process makes alike.

use sha2::{Digest, Sha256};

/// A token for what these words describe: 64 ASCII characters, the most that EC2 takes.
pub(crate) fn token(words: &[&str]) -> String {
    let mut hash = Sha256::new();
    for word in words {
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_do_not_run_into_each_other() {
        assert_eq!(token(&["a", "b"]).len(), 64);
        assert_eq!(token(&["a", "b"]), token(&["a", "b"]));
        assert_ne!(token(&["ab"]), token(&["a", "b"]));
        assert_ne!(token(&["a", "b"]), token(&["a", "b", ""]));
    }
}
