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

use super::known::Known;
use super::memory::{Memory, Record};
use crate::error::code;
use crate::{Command, Session, Ssh, Target};

/// Finds the server that we are logged in to: up from this process there is the one that listens, whose command line says its
/// configuration. `$pid`, `$sshd`, `$config` are what the scripts go on with.
const FIND: &str = r#"set -eu
pid=$$; listener=
while [ "$pid" -gt 0 ]; do
  line=$(tr '\0' ' ' </proc/$pid/cmdline)
  case $line in 'sshd: '*'[listener]'*) listener=$line; break;; esac
  read -r stat </proc/$pid/stat; stat=${stat##*") "}; stat=${stat#* }; pid=${stat%% *}
done
[ -n "$listener" ] || { echo 'the SSH server that listens was not found' >&2; exit 1; }
listener=${listener#*: }; sshd=${listener%% *}; config=
set -- $listener
while [ $# -gt 0 ]; do case $1 in -f) config=$2; shift;; -f?*) config=${1#-f};; esac; shift; done
keys=$("$sshd" -T ${config:+-f "$config"} | sed -n 's/^hostkey //p')
"#;

/// Makes a key beside each that the server uses, unless an earlier try has, and prints its public half.
const MAKE: &str = r#"for key in $keys; do
  [ -f "$key" ] || continue
  if [ ! -f "$key.ec2-stories.pub" ]; then
    type=$(ssh-keygen -l -f "$key" | sed 's/.*(\(.*\))$/\1/' | tr 'A-Z' 'a-z')
    rm -f "$key.ec2-stories"
    ssh-keygen -q -t "$type" -N '' -C '' -f "$key.ec2-stories"
  fi
  cat "$key.ec2-stories.pub"
done
"#;

/// Takes the new keys, the private half first, and has the server read them.
const TAKE: &str = r#"for key in $keys; do
  [ -f "$key.ec2-stories.pub" ] || continue
  [ ! -f "$key.ec2-stories" ] || mv -f "$key.ec2-stories" "$key"
  mv -f "$key.ec2-stories.pub" "$key.pub"
done
kill -HUP "$pid"
"#;

/// Making an RSA key takes a small machine its time.
const SCRIPT: Duration = Duration::from_secs(60);
/// How long the server may take to read its keys and listen again.
const RELOAD: Duration = Duration::from_secs(20);

/// Replaces the injected key, and gives a session with the host that shows its own.
pub(crate) async fn rotate(
    ssh: &Ssh,
    session: &Session,
    target: &Target,
    id: &InstanceId,
    memory: &Memory,
) -> Result<Session> {
    let made = run(session, MAKE).await?;
    let keys: Result<Vec<_>, _> = made.lines().map(PublicKey::from_openssh).collect();
    let keys = keys.map_err(|error| failed(target, "what it printed is not a public key").because(error))?;
    if keys.is_empty() {
        return Err(failed(target, "the host has no host key to replace"));
    }
    memory.replace(id, &Record::new(&keys, true)?).await?;
    run(session, TAKE).await?;
    let renewed = meet_again(ssh, target, &keys).await?;
    memory.replace(id, &Record::new(&keys, false)?).await?;
    tracing::info!(host = %target, "the injected host key was replaced");
    Ok(renewed)
}

async fn meet_again(ssh: &Ssh, target: &Target, keys: &[PublicKey]) -> Result<Session> {
    let deadline = Instant::now() + RELOAD;
    loop {
        match ssh.dial(target, Known::only(keys.to_vec(), ssh.now())).await {
            Ok((session, _)) => return Ok(session),
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

async fn run(session: &Session, script: &str) -> Result<String> {
    let command = Command::shell(format!("{FIND}{script}")).as_root().timeout(SCRIPT);
    Ok(session.exec(&command).await?.checked("replace the injected host key")?.stdout.text())
}

fn failed(target: &Target, why: &str) -> Error {
    Error::new(ErrorKind::Failed, why).during("replace the injected host key").on(target.to_string())
}
