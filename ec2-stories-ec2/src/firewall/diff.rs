//! The way from the rules that are there to those that are wanted.

use std::collections::BTreeMap;

use super::rule::{EcRule, Key};

/// What to do, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Diff {
    pub(super) add: Vec<EcRule>,
    /// Same rule, another description.
    pub(super) describe: Vec<EcRule>,
    pub(super) revoke: Vec<EcRule>,
}

impl Diff {
    pub(super) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.describe.is_empty() && self.revoke.is_empty()
    }
}

/// Of wanted rules that differ in their description only, the first counts.
pub(super) fn diff(there: &[EcRule], wanted: &[EcRule]) -> Diff {
    let there: BTreeMap<&Key, &EcRule> = there.iter().map(|rule| (&rule.key, rule)).collect();
    let wanted: BTreeMap<&Key, &EcRule> = wanted.iter().rev().map(|rule| (&rule.key, rule)).collect();
    let mut diff = Diff::default();
    for (key, rule) in &wanted {
        match there.get(key) {
            None => diff.add.push((*rule).clone()),
            Some(old) if old.description != rule.description => diff.describe.push((*rule).clone()),
            Some(_) => {}
        }
    }
    diff.revoke =
        there.iter().filter(|(key, _)| !wanted.contains_key(*key)).map(|(_, rule)| (*rule).clone()).collect();
    diff
}

#[cfg(test)]
mod tests {
    use super::super::rule::Peer;
    use super::*;

    fn rule(port: i32, description: Option<&str>) -> EcRule {
        let peer = Peer::Net("10.0.0.0/8".parse().unwrap());
        let key = Key { protocol: "tcp".to_owned(), range: Some((port, port)), peer };
        EcRule { key, description: description.map(ToOwned::to_owned) }
    }

    #[test]
    fn only_what_differs_is_done() {
        let there = [rule(22, None), rule(80, Some("web")), rule(81, None)];
        let wanted = [rule(22, None), rule(80, Some("shop")), rule(443, None), rule(443, Some("second"))];
        let diff = diff(&there, &wanted);
        assert_eq!(diff.add, [rule(443, None)]);
        assert_eq!(diff.describe, [rule(80, Some("shop"))]);
        assert_eq!(diff.revoke, [rule(81, None)]);
        assert!(super::diff(&wanted[..3], &wanted).is_empty());
    }
}
