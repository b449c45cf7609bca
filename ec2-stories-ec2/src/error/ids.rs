//! Identifiers that an error message names.

use ec2_stories_core::Error;
use ec2_stories_core::model::InstanceId;

/// Which of `ids` the message names: `The instance IDs 'i-a, i-b' do not exist`, `Invalid id: "i-a"`.
pub(crate) fn named_in(error: &Error, ids: &[InstanceId]) -> Vec<InstanceId> {
    let words: Vec<&str> =
        error.message().split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).collect();
    ids.iter().filter(|id| words.contains(&id.as_str())).cloned().collect()
}

#[cfg(test)]
mod tests {
    use ec2_stories_core::ErrorKind;

    use super::*;

    #[test]
    fn ids_are_found_whole() {
        let ids: Vec<InstanceId> = ["i-a", "i-ab", "i-b"].map(Into::into).to_vec();
        let named = |message: &str| named_in(&Error::new(ErrorKind::NotFound, message), &ids);
        assert_eq!(named("The instance IDs 'i-a, i-b' do not exist"), ["i-a", "i-b"].map(Into::into));
        assert_eq!(named("The instance ID 'i-ab' does not exist"), ["i-ab"].map(Into::into));
        assert_eq!(named("Invalid id: \"i-b\""), ["i-b"].map(Into::into));
        assert!(named("no instance").is_empty());
    }
}
