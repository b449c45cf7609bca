//! Where symbolic links of a folder lead.

use std::path::{Component, Path, PathBuf};

/// As many as Linux follows on one way (path_resolution(7)); a circle leads nowhere.
const MOST: usize = 40;

/// Whether what is at `name`, a link to `target`, stays within its folder, whatever other links of the folder are on the way. Names
/// are from the folder; `link` says where a link leads, and nothing of what is none.
pub(crate) fn stays_within(name: &Path, target: &Path, link: impl Fn(&Path) -> Option<PathBuf>) -> bool {
    let mut at = name.parent().map(Path::to_owned).unwrap_or_default();
    let mut followed = 0;
    // The next step last.
    let mut way = steps(target);
    while let Some(step) = way.pop() {
        match step.as_path().components().next() {
            Some(Component::Normal(_)) => {
                at.push(&step);
                if let Some(target) = link(&at) {
                    followed += 1;
                    if followed > MOST {
                        return true;
                    }
                    at.pop();
                    way.extend(steps(&target));
                }
            }
            Some(Component::ParentDir) if !at.pop() => return false,
            Some(Component::ParentDir | Component::CurDir) | None => {}
            Some(Component::RootDir | Component::Prefix(_)) => return false,
        }
    }
    true
}

fn steps(target: &Path) -> Vec<PathBuf> {
    target.components().rev().map(|step| PathBuf::from(step.as_os_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stays(name: &str, links: &[(&str, &str)]) -> bool {
        let link = |at: &Path| {
            links.iter().find(|(name, _)| Path::new(name) == at).map(|(_, target)| PathBuf::from(target))
        };
        stays_within(Path::new(name), &link(Path::new(name)).unwrap(), link)
    }

    #[test]
    fn links_are_followed_to_their_end() {
        for (name, target, good) in [
            ("a", "b", true),
            ("sub/a", "../b", true),
            ("sub/a", "./x/../../b", true),
            ("a", ".", true),
            ("a", "..", false),
            ("a", "../a", false),
            ("sub/a", "../../b", false),
            ("a", "/etc/passwd", false),
            ("sub/a", "x/../../../etc", false),
        ] {
            assert_eq!(stays(name, &[(name, target)]), good, "{name} -> {target}");
        }
    }

    #[test]
    fn a_link_through_a_link_leads_where_that_one_does() {
        // By its text alone the second one stays.
        assert!(!stays("out", &[("here", "."), ("out", "here/here/here/../../../etc")]));
        assert!(!stays("out", &[("up", "sub/.."), ("out", "up/x/../../etc")]));
        assert!(stays("in", &[("deep", "a/b/c"), ("in", "deep/../../x")]));
        assert!(!stays("one", &[("one", "two"), ("two", "/etc")]));
        assert!(stays("one", &[("one", "two"), ("two", "one")]), "a circle leads nowhere");
    }
}
