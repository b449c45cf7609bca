//! OpenSSH's `known_hosts` file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").

use std::io;
use std::path::Path;

use ec2_stories_core::{Error, ErrorKind, Result};
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, Marker};
use sha1::Sha1;

use super::known::Known;
use crate::Target;

/// Adds what the file says of the host. A file that is not there says nothing.
pub(super) async fn look_up(file: &Path, target: &Target, known: &mut Known) -> Result<()> {
    let text = match tokio::fs::read_to_string(file).await {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let failure = Error::new(ErrorKind::Io, "the known hosts cannot be read").during("login");
            return Err(failure.on(file.display().to_string()).because(error));
        }
    };
    read(&text, target, known);
    Ok(())
}

/// A line of a kind that is not understood, such as a key of an unknown algorithm, says nothing, as in OpenSSH.
fn read(text: &str, target: &Target, known: &mut Known) {
    let name = target.known_as().to_lowercase();
    for line in text.lines() {
        // The parser wants one space between fields; a marker behind a tab must not be lost.
        let line = line.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let Ok(entry) = line.parse::<Entry>() else { continue };
        if !is_for(entry.host_patterns(), &name) {
            continue;
        }
        let key = entry.public_key().clone();
        match entry.marker() {
            None => known.keys.push(key),
            Some(Marker::CertAuthority) => known.authorities.push(key),
            Some(Marker::Revoked) => known.revoked.push(key),
        }
    }
}

fn is_for(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            let hmac = Hmac::<Sha1>::new_from_slice(salt).map(|hmac| hmac.chain_update(name));
            hmac.is_ok_and(|hmac| hmac.verify_slice(hash).is_ok())
        }
        HostPatterns::Patterns(patterns) => {
            let refused = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!'));
            let wanted = patterns.iter().filter(|pattern| !pattern.starts_with('!'));
            !refused.into_iter().any(|pattern| matches_glob(pattern, name))
                && wanted.into_iter().any(|pattern| matches_glob(pattern, name))
        }
    }
}

/// `*` is any text, `?` any one character; letters are the same in both cases. `name` is in lower case.
pub(super) fn matches_glob(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase().into_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn read_for(text: &str, host: &str, port: u16) -> Known {
        let mut known = Known::new(Timestamp::UNIX_EPOCH);
        read(text, &Target::new(host, port), &mut known);
        known
    }

    #[test]
    fn names_patterns_and_ports_are_told_apart() {
        let file = format!(
            "# comment\nweb-*.example.org,!web-9.example.org {KEY}\n[db.example.org]:2222 {KEY} a comment\n"
        );
        assert_eq!(read_for(&file, "WEB-1.example.org", 22).keys.len(), 1);
        assert!(read_for(&file, "web-9.example.org", 22).keys.is_empty(), "negated");
        assert!(read_for(&file, "web-1.example.org", 2222).keys.is_empty(), "another port");
        assert_eq!(read_for(&file, "db.example.org", 2222).keys.len(), 1);
        assert!(read_for(&file, "db.example.org", 22).keys.is_empty());
    }

    #[test]
    fn markers_are_heeded_and_unknown_lines_say_nothing() {
        let file =
            format!("@cert-authority *.example.org {KEY}\n@revoked * {KEY}\nweb.example.org x-new AAAA\n");
        let known = read_for(&file, "web.example.org", 22);
        assert_eq!((known.keys.len(), known.authorities.len(), known.revoked.len()), (0, 1, 1));
    }

    #[test]
    fn blanks_between_fields_are_any_and_lines_may_be_indented() {
        let file =
            format!("  web.example.org\t{} \n\t@revoked \t *  {KEY}\t a comment\n", KEY.replace(' ', "\t "));
        let known = read_for(&file, "web.example.org", 22);
        assert_eq!((known.keys.len(), known.revoked.len()), (1, 1));
    }

    #[test]
    fn globs_match_as_in_openssh() {
        for (pattern, name, is) in [
            ("*", "a", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*.x.*", "a.x.b", true),
            ("", "a", false),
        ] {
            assert_eq!(matches_glob(pattern, name), is, "{pattern} {name}");
        }
    }
}
