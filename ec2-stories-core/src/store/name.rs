//! Which names a store takes.

use crate::{Error, Result};

/// Checks a tuple's name against the trait's contract, for implementations of
/// [`TupleStore`](crate::provider::TupleStore).
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), quoting the name.
pub fn check_name(name: &str) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let good = |segment: &str| {
        (1..=128).contains(&segment.len())
            && segment != "."
            && segment != ".."
            && segment.bytes().all(allowed)
    };
    if name.len() <= 512 && name.split('/').all(good) {
        Ok(())
    } else {
        Err(Error::invalid(
            format!("tuple {name:?}"),
            "a name is segments of A-Z, a-z, 0-9, '.', '_' and '-' between single slashes",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_keep_to_what_files_and_object_keys_allow() {
        for good in ["a", "deployments/shop/nodes/web-0", "...", "A.b_c-9", &"s".repeat(128)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = vec!["s".repeat(128); 4].join("/");
        for bad in ["", "/a", "a/", "a//b", ".", "a/..", "a b", "é", "a\\b", &"s".repeat(129), &long] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
