//! What differs between a folder of this machine and one of a node.

use std::collections::BTreeMap;

use crate::step::listing::{Listing, Local, Remote, RemoteKind};

/// What has to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) remove: Vec<String>,
    pub(super) folders: Vec<String>,
    pub(super) links: Vec<(String, String)>,
    pub(super) files: Vec<String>,
    /// Names by the mode that they shall have.
    pub(super) modes: BTreeMap<u32, Vec<String>>,
    pub(super) owners: Vec<String>,
}

impl Difference {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What has to be done so that what is there becomes what is wanted.
pub(super) fn difference(
    wanted: &Listing<Local>,
    there: Option<&Listing<Remote>>,
    owner: Option<(u32, u32)>,
    exactly: bool,
) -> Difference {
    let nothing = Listing::new();
    let there = there.unwrap_or(&nothing);
    let mut todo = Difference::default();
    for (name, local) in wanted {
        let found = there.get(name);
        let fits = match (local, found.map(|found| &found.kind)) {
            (_, None) => None,
            (Local::Folder { .. }, Some(RemoteKind::Folder)) => Some(true),
            (Local::File { payload, .. }, Some(RemoteKind::File { hash })) => Some(*hash == payload.hash),
            (Local::Link { to }, Some(RemoteKind::Link { to: found })) if to == found => Some(true),
            _ => {
                todo.remove.push(name.clone());
                None
            }
        };
        match (local, fits) {
            (Local::Folder { .. }, None) => todo.folders.push(name.clone()),
            (Local::Link { to }, None) => todo.links.push((name.clone(), to.clone())),
            (Local::File { .. }, None | Some(false)) => todo.files.push(name.clone()),
            _ => {}
        }
        if let Local::Folder { mode } | Local::File { mode, .. } = local
            && (found.is_none_or(|found| found.mode != *mode) || fits.is_none())
        {
            todo.modes.entry(*mode).or_default().push(name.clone());
        }
    }
    if exactly {
        let mut removed: Option<String> = None;
        for name in there.keys().filter(|name| !name.is_empty() && !wanted.contains_key(*name)) {
            // What is within a folder goes with it.
            let within = removed.as_ref().is_some_and(|folder| name.starts_with(&format!("{folder}/")));
            if !within {
                todo.remove.push(name.clone());
                removed = Some(name.clone());
            }
        }
    }
    if let Some(owner) = owner {
        let other = |name: &&String| there.get(*name).is_none_or(|found| found.owner != owner);
        todo.owners = wanted.keys().filter(other).cloned().collect();
        if there.get("").is_none_or(|found| found.owner != owner) {
            todo.owners.push(String::new());
        }
    }
    todo
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::payload::Payload;

    fn there(entries: &[(&str, RemoteKind, u32)]) -> Listing<Remote> {
        let root = ("", RemoteKind::Folder, 0o755);
        entries
            .iter()
            .chain([&root])
            .map(|(name, kind, mode)| {
                ((*name).to_owned(), Remote { kind: kind.clone(), mode: *mode, owner: (0, 0) })
            })
            .collect()
    }

    fn wanted() -> Listing<Local> {
        Listing::from([
            ("a".to_owned(), Local::Folder { mode: 0o755 }),
            ("a/x".to_owned(), Local::File { mode: 0o644, payload: Payload::bytes("x") }),
            ("l".to_owned(), Local::Link { to: "a/x".to_owned() }),
        ])
    }

    #[test]
    fn what_is_the_same_needs_nothing() {
        let hash = Payload::bytes("x").hash;
        let same = there(&[
            ("a", RemoteKind::Folder, 0o755),
            ("a/x", RemoteKind::File { hash }, 0o644),
            ("l", RemoteKind::Link { to: "a/x".to_owned() }, 0o777),
            ("other", RemoteKind::Other, 0o644),
        ]);
        assert!(difference(&wanted(), Some(&same), Some((0, 0)), false).is_empty());
        assert_eq!(difference(&wanted(), Some(&same), None, true).remove, ["other"]);
        assert_eq!(difference(&wanted(), Some(&same), Some((7, 0)), false).owners, ["a", "a/x", "l", ""]);
    }

    #[test]
    fn a_link_in_a_folders_place_is_replaced_and_not_followed() {
        let link = there(&[("a", RemoteKind::Link { to: "/etc".to_owned() }, 0o777)]);
        let todo = difference(&wanted(), Some(&link), None, false);
        assert_eq!(
            (todo.remove, todo.folders, todo.files),
            (vec!["a".into()], vec!["a".into()], vec!["a/x".into()])
        );
    }

    #[test]
    fn what_is_removed_is_named_once() {
        let more = there(&[
            ("b", RemoteKind::Folder, 0o755),
            ("b/c", RemoteKind::Folder, 0o755),
            ("b/c/d", RemoteKind::Other, 0o644),
            ("bc", RemoteKind::Other, 0o644),
        ]);
        assert_eq!(difference(&wanted(), Some(&more), None, true).remove, ["b", "bc"]);
    }
}
