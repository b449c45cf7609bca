//! Replacing a host key that was injected.
//!
//! In this order a crash at any point leaves a host that can be logged in to: the host makes keys beside the ones it uses; they
//! are remembered here, as not settled; the host takes them and its server reads them; a new connection shows that it has;
//! then they are settled, and the injected key is refused from then on.

use std::time::Duration;

use ec2_stories_core::model::InstanceId;
use ec2_stories_core::{Error, ErrorKind, Result};
use russh::keys::PublicKey;
use tokio::time::{Instant, sleep};

use super::known::{Known, Proof};
use super::memory::{Memory, busy};
use crate::error::code;
use crate::{Command, Exit, Output, Session, Ssh, Target};

/// Finds the server that we are logged in to: up from this process there is the one that listens, whose command line says its
/// configuration. `$pid`, `$sshd`, `$config`, `$keys` are what the scripts go on with, one at a time where there is `flock` (util-linux):
/// a key that is made while others are taken would be taken by nobody. The lock is on the keys' folder, and ends with the script.
const FIND: &str = r#"set -eu
pid=$$; listener=
while [ "$pid" -gt 0 ]; do
  line=$(tr '\0' ' ' </proc/$pid/cmdline)
  case $line in 'sshd: '*'[listener]'*) listener=$line; break;; esac
  read -r stat </proc/$pid/stat; stat=${stat##*") "}; stat=${stat#* }; pid=${stat%% *}
done
[ -n "$listener" ] || { echo 'the SSH server that listens was not found' >&2; exit 1; }
listener=${listener#*: }; sshd=${listener%% *}; config=
after=
for word in $listener; do
  case $after$word in -f) after=-f; continue;; -f?*) config=${word#-f};; esac; after=
done
keys=$("$sshd" -T ${config:+-f "$config"} | sed -n 's/^hostkey //p')
for key in $keys; do
  if [ -f "$key" ] && command -v flock >/dev/null; then exec 9<"${key%/*}"; flock 9; break; fi
done
"#;

/// Makes a key beside each that the server uses, unless an earlier try or another program has, and prints its public half. A
/// link makes the file at once, or not at all. It exits with 75 if `$1`, the injected key, is in no file any more, or, without a
/// lock, another program takes the new key at this moment.
const MAKE: &str = r#"injected=
for key in $keys; do
  [ -f "$key" ] || continue
  case $(ssh-keygen -y -f "$key") in "$1"*) injected=1;; esac
done
[ -n "$injected" ] || exit 75
for key in $keys; do
  [ -f "$key" ] || continue
  new=$key.ec2-stories
  if [ ! -f "$new" ]; then
    type=$(ssh-keygen -l -f "$key" | sed 's/.*(\(.*\))$/\1/' | tr 'A-Z' 'a-z')
    rm -f "$new.$$" "$new.$$.pub"
    ssh-keygen -q -t "$type" -N '' -C '' -f "$new.$$"
    ln "$new.$$" "$new" 2>/dev/null || [ -f "$new" ]
    rm -f "$new.$$" "$new.$$.pub"
  fi
  ssh-keygen -y -f "$new" || { [ -f "$new" ] && exit 1; exit 75; }
done
"#;
/// `EX_TEMPFAIL` of sysexits.h.
const REPLACED: u32 = 75;

/// Takes those of the new keys whose public halves are its arguments, the private half first, and has the server read them. A key
/// that goes meanwhile is taken by another. What a try that died has left goes, too: its last part but `.pub` is the number of a
/// process that is no more.
const TAKE: &str = r#"for key in $keys; do
  [ -f "$key" ] || continue
  new=$(ssh-keygen -y -f "$key.ec2-stories" 2>/dev/null) || new=
  for known; do
    case $new in "$known"|"$known "*) mv -f "$key.ec2-stories" "$key" || :;; esac
  done
  public=$key.pub.ec2-stories.$$
  if ssh-keygen -y -f "$key" >"$public"
  then mv -f "$public" "$key.pub"
  else rm -f "$public"
  fi
  for left in "$key.ec2-stories."* "$key.pub.ec2-stories."*; do
    try=${left%.pub}; try=${try##*.}
    [ ! -f "$left" ] || [ -d "/proc/$try" ] || rm -f "$left"
  done
done
kill -HUP "$pid"
"#;

const OPERATION: &str = "replace the injected host key";
/// Making an RSA key takes a small machine its time.
const SCRIPT: Duration = Duration::from_secs(60);
/// How long the server may take to read its keys and listen again.
const RELOAD: Duration = Duration::from_secs(20);

/// A host whose injected key is to be replaced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation<'a> {
    pub(crate) ssh: &'a Ssh,
    pub(crate) target: &'a Target,
    pub(crate) id: &'a InstanceId,
    pub(crate) memory: &'a Memory,
}

impl Rotation<'_> {
    /// Replaces the injected key, and gives a session with the host that shows its own.
    pub(crate) async fn rotate(&self, session: &Session, injected: &PublicKey) -> Result<Session> {
        let before = self.memory.recall(self.id).await?;
        if before.as_ref().is_some_and(|record| !record.rotating) {
            return Err(busy(self.id));
        }
        let keys = match self.make(session, injected).await? {
            Some(keys) => {
                self.memory.announce(self.id, &keys, before).await?;
                keys
            }
            // The files are replaced, and the server has not read them: somebody was cut off, or is about to tell it.
            None => before.ok_or_else(|| busy(self.id))?.keys()?,
        };
        self.finish(session, &keys).await
    }

    /// The host shows a key of its own, but whether it has taken the others is not known: a server that reads its keys for every
    /// connection shows the first one that it has taken, even if it was cut off then.
    pub(crate) async fn go_on(&self, session: Session) -> Result<Session> {
        match self.memory.recall(self.id).await? {
            Some(record) if record.rotating => self.finish(&session, &record.keys()?).await,
            // Another program was faster.
            _ => Ok(session),
        }
    }

    /// Has the host take its keys, and gives a session with the one that shows them.
    async fn finish(&self, session: &Session, keys: &[PublicKey]) -> Result<Session> {
        let shown = keys.iter().map(|key| self.shown(key)).collect::<Result<Vec<_>>>()?;
        self.run(session, TAKE, &shown).await?.checked(OPERATION)?;
        let (renewed, key) = self.meet_again(keys).await?;
        self.memory.settle(self.id, &key).await?;
        tracing::info!(host = %self.target, "the injected host key was replaced");
        Ok(renewed)
    }

    /// The keys that the host has made; nothing if the injected one is replaced already.
    async fn make(&self, session: &Session, injected: &PublicKey) -> Result<Option<Vec<PublicKey>>> {
        let made = self.run(session, MAKE, &[self.shown(injected)?]).await?;
        if made.exit == Exit::Status(REPLACED) {
            return Ok(None);
        }
        let made = made.checked(OPERATION)?.stdout.text();
        let keys: Result<Vec<_>, _> = made.lines().map(PublicKey::from_openssh).collect();
        let keys = keys.map_err(|error| self.failed("what it printed is not a public key").because(error))?;
        if keys.is_empty() {
            return Err(self.failed("the host has no host key to replace"));
        }
        Ok(Some(keys))
    }

    async fn meet_again(&self, keys: &[PublicKey]) -> Result<(Session, PublicKey)> {
        let deadline = Instant::now() + RELOAD;
        loop {
            match self.ssh.dial(self.target, Known::only(keys.to_vec(), self.ssh.now())).await {
                Ok((session, Proof::Remembered { key, .. })) => return Ok((session, key)),
                Ok(_) => return Err(self.failed("the host showed no key of its own")),
                // It closes its port for a moment, and shows the old key until then.
                Err(error)
                    if Instant::now() < deadline
                        && (error.is_temporary() || error.api_code() == Some(code::HOST_KEY_CHANGED)) =>
                {
                    sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Without a comment, which the host's own tools may leave away.
    fn shown(&self, key: &PublicKey) -> Result<String> {
        let bare = PublicKey::from(key.key_data().clone());
        bare.to_openssh().map_err(|error| self.failed("a host key cannot be written").because(error))
    }

    async fn run(&self, session: &Session, script: &str, arguments: &[String]) -> Result<Output> {
        let command = Command::shell(format!("{FIND}{script}")).args(arguments).as_root().timeout(SCRIPT);
        session.exec(&command).await
    }

    fn failed(&self, why: &str) -> Error {
        Error::new(ErrorKind::Failed, why).during(OPERATION).on(self.target.to_string())
    }
}
