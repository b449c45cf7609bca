//! Values and folders of the tree, by path.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

/// Everything below a version, by path.
pub(super) type Tree = BTreeMap<String, Bytes>;

/// Versions that the service has had; each serves the newest tree.
const VERSIONS: [&str; 29] = [
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
    "2011-01-01",
    "2011-05-01",
    "2012-01-12",
    "2014-02-25",
    "2014-11-05",
    "2015-10-20",
    "2016-04-19",
    "2016-06-30",
    "2016-09-02",
    "2018-03-28",
    "2018-08-17",
    "2018-09-24",
    "2019-10-01",
    "2020-10-27",
    "2021-01-03",
    "2021-03-23",
    "2021-07-15",
    "2022-09-24",
    "2024-04-11",
    "latest",
];

/// The body at a path without slashes at its ends: a value, or a folder's names with a slash behind each folder.
pub(super) fn find(path: &str, tree: impl FnOnce() -> Tree) -> Option<Bytes> {
    if path.is_empty() {
        return Some(Bytes::from(VERSIONS.join("\n")));
    }
    let (version, rest) = path.split_once('/').unwrap_or((path, ""));
    if !VERSIONS.contains(&version) {
        return None;
    }
    let tree = tree();
    let rest = rest.trim_start_matches('/');
    if let Some(value) = tree.get(rest) {
        return Some(value.clone());
    }
    let folder = if rest.is_empty() { String::new() } else { format!("{rest}/") };
    let below = tree.keys().filter_map(|path| path.strip_prefix(&folder));
    let names: BTreeSet<String> = below
        .map(|below| match below.split_once('/') {
            // The one folder whose listing says more than names.
            Some((index, _)) if rest == "meta-data/public-keys" => key_name(&tree, index),
            Some((name, _)) if rest.is_empty() => name.to_owned(),
            Some((folder, _)) => format!("{folder}/"),
            None => below.to_owned(),
        })
        .collect();
    (!names.is_empty()).then(|| Bytes::from(names.into_iter().collect::<Vec<_>>().join("\n")))
}

/// `0=my-key`: the name is the comment of the key.
fn key_name(tree: &Tree, index: &str) -> String {
    let key = tree.get(&format!("meta-data/public-keys/{index}/openssh-key"));
    let name = key.and_then(|key| std::str::from_utf8(key).ok()?.trim().splitn(3, ' ').nth(2));
    format!("{index}={}", name.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Option<String> {
        let tree = || {
            let leaves = [
                ("meta-data/ami-id", "ami-1"),
                ("meta-data/placement/region", "eu-west-1"),
                ("meta-data/placement/availability-zone", "eu-west-1a"),
                ("meta-data/public-keys/0/openssh-key", "ssh-ed25519 AAAA my key\n"),
                ("user-data", "#!"),
            ];
            leaves.map(|(path, value)| (path.to_owned(), Bytes::from(value))).into()
        };
        find(path, tree).map(|body| String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn folders_list_their_names() {
        assert!(at("").unwrap().ends_with("\nlatest"));
        assert_eq!(at("latest").unwrap(), "meta-data\nuser-data");
        assert_eq!(at("latest/meta-data").unwrap(), "ami-id\nplacement/\npublic-keys/");
        assert_eq!(at("2009-04-04/meta-data/placement").unwrap(), "availability-zone\nregion");
        assert_eq!(at("latest/meta-data/public-keys").unwrap(), "0=my key");
        assert_eq!(at("latest/meta-data/public-keys/0").unwrap(), "openssh-key");
    }

    #[test]
    fn values_are_bare_and_what_is_not_there_is_not() {
        assert_eq!(at("latest/meta-data/ami-id").unwrap(), "ami-1");
        assert_eq!(at("latest/meta-data/ami"), None);
        assert_eq!(at("1999-01-01/meta-data/ami-id"), None);
        assert_eq!(at("latest/meta-data/ami-id/more"), None);
    }
}
