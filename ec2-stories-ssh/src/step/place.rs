//! A file's place on the node: what is there, and putting something there.

use ec2_stories_core::{Error, ErrorKind, Result};

use super::Mode;
use super::host::Host;
use super::payload::Payload;
use super::steps::failure;
use crate::{Scp, WriteOptions};

/// `$1` is the path, `$2` a user and `$3` a group, which may be empty. First the numbers of those, then what is there.
const LOOK: &str = r#"set -e
user= group=
if [ -n "$2" ]; then
  user=$(id -u -- "$2" 2>/dev/null) || { echo "the host has no user $2" >&2; exit 1; }
  group=$(id -g -- "$2")
fi
if [ -n "$3" ]; then
  group=$(getent group "$3" | cut -d: -f3)
  [ -n "$group" ] || { echo "the host has no group $3" >&2; exit 1; }
fi
echo "$user:$group"
if [ -d "$1" ]; then echo folder
elif [ -f "$1" ]; then
  set -- "$1" "$(stat -L -c '%u:%g %a' -- "$1")"
  sum=$(sha256sum <"$1")
  echo "file $2 ${sum%% *}"
elif [ -e "$1" ]; then echo other
else echo absent; fi"#;

const SETTLE: &str = r#"set -e
[ -z "$2" ] || chown -- "$2" "$1"
[ -z "$3" ] || chmod -- "$3" "$1""#;

const PARENT: &str = r#"case $1 in */*) mkdir -p -- "${1%/*}/" ;; esac"#;

/// Where a file is, and whose it shall be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) path: &'a str,
    pub(super) mode: Option<Mode>,
    pub(super) owner: Option<&'a str>,
    pub(super) group: Option<&'a str>,
}

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The wanted owner's number and group's, where they are said.
    wanted: (Option<u32>, Option<u32>),
    found: Found,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Absent,
    File { owner: (u32, u32), mode: u32, hash: String },
    Other(String),
}

impl Place<'_> {
    pub(super) async fn look(&self, host: &Host) -> Result<Seen> {
        let arguments = [self.path, self.owner.unwrap_or_default(), self.group.unwrap_or_default()];
        let output = host.script("look", LOOK, &arguments).await?;
        let said = output.stdout.text();
        parse(&said).ok_or_else(|| Error::new(ErrorKind::Unexpected, format!("the host said {said:?}")))
    }

    /// Sees to it that the payload is there, and nothing else. `before` is called before the first change.
    pub(super) async fn put(
        &self,
        host: &mut Host,
        payload: &Payload,
        before: impl AsyncFnOnce(&mut Host) -> Result<()>,
    ) -> Result<bool> {
        let seen = self.look(host).await?;
        if let Found::Other(kind) = &seen.found {
            return Err(failure(format!("{} is {kind}", self.path)));
        }
        if self.is_settled(&seen, &payload.hash) {
            return Ok(false);
        }
        before(host).await?;
        host.about_to_change().await?;
        if matches!(&seen.found, Found::File { hash, .. } if *hash == payload.hash) {
            self.settle(host, &seen).await?;
        } else {
            host.script("make folder", PARENT, &[self.path]).await?;
            self.send(host, payload, &seen).await?;
        }
        let now = self.look(host).await?;
        if self.is_settled(&now, &payload.hash) {
            return Ok(true);
        }
        Err(failure(format!("{} is not what was sent: something else writes to it", self.path)))
    }

    fn is_settled(&self, seen: &Seen, hash: &str) -> bool {
        let Found::File { owner, mode, hash: found } = &seen.found else { return false };
        found == hash
            && self.mode.is_none_or(|wanted| wanted.bits() == *mode)
            && seen.wanted.0.is_none_or(|wanted| wanted == owner.0)
            && seen.wanted.1.is_none_or(|wanted| wanted == owner.1)
    }

    async fn settle(&self, host: &Host, seen: &Seen) -> Result<()> {
        let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        let owner = match seen.wanted {
            (None, None) => String::new(),
            (user, group) => format!("{}:{}", number(user), number(group)),
        };
        let mode = self.mode.map(String::from).unwrap_or_default();
        host.script("set owner and mode", SETTLE, &[self.path, &owner, &mode]).await.map(drop)
    }

    async fn send(&self, host: &Host, payload: &Payload, seen: &Seen) -> Result<()> {
        let mut options = WriteOptions::new();
        if let Some(mode) = self.mode {
            options = options.mode(mode.bits());
        }
        let there = match &seen.found {
            Found::File { owner, .. } => *owner,
            _ => (0, 0),
        };
        let (user, group) = seen.wanted;
        if user.is_some() || group.is_some() {
            options = options.owner(user.unwrap_or(there.0), group.unwrap_or(there.1));
        }
        send(host, payload, self.path, &options).await
    }
}

/// Sends a file, at once, by SFTP or else by SCP.
pub(super) async fn send(host: &Host, payload: &Payload, path: &str, options: &WriteOptions) -> Result<()> {
    let session = host.session();
    let sftp = if host.is_root() { session.sftp_as_root().await } else { session.sftp().await };
    match sftp {
        Ok(sftp) => sftp.upload(payload.reader().await?, path, options).await.map(drop),
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            let scp = Scp::new(session);
            let scp = if host.is_root() { scp.as_root() } else { scp };
            scp.upload(payload.reader().await?, payload.size, path, options).await
        }
        Err(error) => Err(error),
    }
}

fn parse(said: &str) -> Option<Seen> {
    let (wanted, found) = said.trim_end().split_once('\n')?;
    let (user, group) = wanted.split_once(':')?;
    let number = |text: &str| match text {
        "" => Some(None),
        text => text.parse().ok().map(Some),
    };
    let words: Vec<&str> = found.split(' ').collect();
    let found = match words[..] {
        ["absent"] => Found::Absent,
        ["folder"] => Found::Other("a folder".to_owned()),
        ["other"] => Found::Other("neither file nor folder".to_owned()),
        ["file", owner, mode, hash] => {
            let (user, group) = owner.split_once(':')?;
            Found::File {
                owner: (user.parse().ok()?, group.parse().ok()?),
                mode: u32::from_str_radix(mode, 8).ok()?,
                hash: hash.to_owned(),
            }
        }
        _ => return None,
    };
    Some(Seen { wanted: (number(user)?, number(group)?), found })
}

/// Refuses paths that are not what they seem.
pub(super) fn check_path(field: &str, path: &str) -> Result<()> {
    let why = if !path.starts_with('/') {
        "is not absolute"
    } else if path.split('/').any(|part| part == "..") {
        "has a .."
    } else if path.contains('\0') {
        "has a NUL byte"
    } else if path.ends_with('/') {
        "ends with a slash"
    } else {
        return Ok(());
    };
    Err(Error::invalid(field, format!("{path:?} {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_says_is_read() {
        let seen = parse("1000:100\nfile 0:0 644 abc\n").unwrap();
        assert_eq!(seen.wanted, (Some(1000), Some(100)));
        assert_eq!(seen.found, Found::File { owner: (0, 0), mode: 0o644, hash: "abc".to_owned() });
        assert_eq!(parse(":\nabsent\n").unwrap(), Seen { wanted: (None, None), found: Found::Absent });
        assert_eq!(parse(":\nfile 0 0"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn paths_are_absolute_and_lead_where_they_say() {
        for path in ["etc/x", "", "/etc/../x", "/etc/", "/a\0b"] {
            assert!(check_path("file.path", path).is_err(), "{path}");
        }
        check_path("file.path", "/srv/a b/é..x").unwrap();
    }
}
