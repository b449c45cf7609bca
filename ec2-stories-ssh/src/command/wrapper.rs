//! What is sent to the host to run a command, and to end it.
//!
//! SSH can send a signal to a command only on some servers, and never across sudo. So a small script runs before the
//! command in the same process: it sees to it that the command leads a process group of its own, and says the group's number on
//! standard error. A second script ends that group, with the same rights as the command.

use ec2_stories_core::{Error, Result};
use secrecy::ExposeSecret;

use super::Command;
use super::quoting::quote;

/// The script's last part. `$1` is the mark; the rest is the command. The fifth field of `/proc/PID/stat` is the process group.
/// A process that does not lead its group gets one by `setsid`, which does not fork in that case.
const LEAD: &str = r#"ec2_m=$1; shift; ec2_g=
{ read -r ec2_s </proc/$$/stat; } 2>/dev/null && ec2_s=${ec2_s##*") "} && ec2_s=${ec2_s#* } && ec2_s=${ec2_s#* } && ec2_g=${ec2_s%% *}
if [ "$ec2_g" = "$$" ]; then printf '%s -%s\n' "$ec2_m" "$$" >&2
elif command -v setsid >/dev/null 2>&1; then exec setsid /bin/sh -c 'printf "%s -%s\n" "$0" "$$" >&2; exec "$@"' "$ec2_m" "$@"
else printf '%s %s\n' "$ec2_m" "$$" >&2; fi
exec "$@""#;

/// Ends the group `$1` and what else is in a session that it leads, such as what `timeout` runs, which makes a group of its own;
/// SIGKILL follows after `$2` tenths of a second. The third field of `/proc/PID/stat` after the name is the group, the fourth the
/// session. What has made a session of its own is a daemon, and goes on.
const END: &str = r#"g=$1; n=$2; s=${1#-}
others() {
  [ "$s" != "$g" ] || return 0
  for f in /proc/[0-9]*/stat; do
    { read -r l <"$f"; } 2>/dev/null || continue
    p=${l%% *}; set -- ${l##*") "}
    [ "$4" != "$s" ] || [ "$3" = "$s" ] || [ "$1" = Z ] || printf '%s ' "$p"
  done
}
o=$(others)
kill -s TERM -- "$g" $o 2>/dev/null || [ -n "$o" ] || exit 0
i=0; a=1
while [ -n "$a" ] && [ $i -lt "$n" ]; do
  a=; for p in "$g" $o; do kill -s 0 -- "$p" 2>/dev/null && a=1; done
  [ -z "$a" ] || sleep 0.1 2>/dev/null || sleep 1
  i=$((i+1))
done
[ -z "$a" ] || kill -s KILL -- "$g" 2>/dev/null
o=$(others)
[ -z "$o" ] || kill -s KILL -- $o 2>/dev/null
exit 0"#;

/// The line that runs the command after `mark` and its group were written to standard error.
pub(super) fn line(command: &Command, session_user: &str, mark: &str) -> Result<Vec<u8>> {
    let mut script = preamble(command)?;
    script.extend_from_slice(LEAD.as_bytes());
    let mut line = become_user(command, session_user)?;
    line.extend(words(&[&b"/bin/sh"[..], b"-c", &script, b"sh", mark.as_bytes()]));
    line.push(b' ');
    line.extend(words(&command.words));
    Ok(line)
}

/// The line that runs the command at a terminal, whose end ends it.
pub(crate) fn terminal_line(command: &Command, session_user: &str) -> Result<Vec<u8>> {
    if !command.secrets.is_empty() {
        return Err(Error::invalid("command.secret_env", "cannot be given to a command at a terminal"));
    }
    let mut script = preamble(command)?;
    script.extend_from_slice(br#"exec "$@""#);
    let mut line = become_user(command, session_user)?;
    line.extend(words(&[&b"/bin/sh"[..], b"-c", &script, b"sh"]));
    line.push(b' ');
    line.extend(words(&command.words));
    Ok(line)
}

/// The line that ends the command's group.
pub(super) fn end_line(command: &Command, session_user: &str, group: &str) -> Result<Vec<u8>> {
    let tenths = (command.grace.as_millis() / 100).to_string();
    let mut line = become_user(command, session_user)?;
    line.extend(words(&[&b"/bin/sh"[..], b"-c", END.as_bytes(), b"sh", group.as_bytes(), tenths.as_bytes()]));
    Ok(line)
}

/// The secrets, as the script reads them from the beginning of its standard input.
pub(super) fn secret_input(command: &Command) -> Vec<u8> {
    let mut input = Vec::new();
    for (_, value) in &command.secrets {
        input.extend_from_slice(value.expose_secret().as_bytes());
        input.push(b'\n');
    }
    input
}

fn become_user(command: &Command, session_user: &str) -> Result<Vec<u8>> {
    let Some(user) = command.user.as_deref().filter(|user| *user != session_user) else {
        return Ok(b"exec ".to_vec());
    };
    check_free_of_nul("command.user", user.as_bytes())?;
    let mut line = b"exec sudo -n -u ".to_vec();
    line.extend(quote(user.as_bytes()));
    line.extend_from_slice(b" -- ");
    Ok(line)
}

fn preamble(command: &Command) -> Result<Vec<u8>> {
    let mut script = Vec::new();
    for word in &command.words {
        check_free_of_nul("command", word)?;
    }
    if let Some(directory) = &command.directory {
        check_free_of_nul("command.directory", directory)?;
        script.extend_from_slice(b"cd -- ");
        script.extend(quote(directory));
        script.extend_from_slice(b" || exit 125\n");
    }
    for (name, value) in &command.variables {
        check_variable(name)?;
        check_free_of_nul("command.env", value)?;
        script.extend_from_slice(format!("export {name}=").as_bytes());
        script.extend(quote(value));
        script.push(b'\n');
    }
    for (name, value) in &command.secrets {
        check_variable(name)?;
        if value.expose_secret().contains(['\n', '\0']) {
            return Err(Error::invalid("command.secret_env", format!("{name} must be one line")));
        }
        script.extend_from_slice(format!("IFS= read -r {name}; export {name}\n").as_bytes());
    }
    Ok(script)
}

fn check_variable(name: &str) -> Result<()> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    if name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit()) {
        return Ok(());
    }
    Err(Error::invalid("command.env", format!("{name:?} is not a variable's name")))
}

fn check_free_of_nul(field: &str, value: &[u8]) -> Result<()> {
    if value.contains(&0) {
        return Err(Error::invalid(field, "has a NUL byte, which no argument can have"));
    }
    Ok(())
}

fn words<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    words.iter().map(|word| quote(word.as_ref())).collect::<Vec<_>>().join(&b' ')
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn run(command: &Command) -> std::process::Output {
        let line = line(command, "me", "MARK").unwrap();
        std::process::Command::new("/bin/sh").arg("-c").arg(OsStr::from_bytes(&line)).output().unwrap()
    }

    #[test]
    fn the_group_is_said_and_is_the_commands_own() {
        let output = run(&Command::shell("cat /proc/$$/stat | cut -d' ' -f1,5"));
        let stdout = String::from_utf8(output.stdout).unwrap();
        let (process, group) = stdout.trim().split_once(' ').unwrap();
        assert_eq!(process, group);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("MARK -{group}\n"));
    }

    #[test]
    fn a_directory_that_is_not_there_starts_nothing() {
        let output = run(&Command::new("true").directory("/not there"));
        assert_eq!(output.status.code(), Some(125));
        assert!(!String::from_utf8(output.stderr).unwrap().contains("MARK"));
    }

    #[test]
    fn names_that_would_be_code_are_refused() {
        for name in ["", "1A", "A=B", "A;reboot", "é"] {
            assert!(line(&Command::new("true").env(name, "x"), "me", "MARK").is_err(), "{name}");
        }
        assert!(line(&Command::new("a\0b"), "me", "MARK").is_err());
    }

    #[test]
    fn secrets_are_not_in_the_line() {
        let command = Command::new("true").secret_env("TOKEN", "hunter2".to_owned().into());
        let line = String::from_utf8(line(&command, "me", "MARK").unwrap()).unwrap();
        assert!(!line.contains("hunter2"));
        assert!(!format!("{command:?}").contains("hunter2"));
    }

    #[test]
    fn sudo_is_for_another_user_only() {
        let of = |command: Command| String::from_utf8(line(&command, "admin", "M").unwrap()).unwrap();
        assert!(of(Command::new("id").as_root()).starts_with("exec sudo -n -u root -- /bin/sh"));
        assert!(of(Command::new("id").as_user("admin")).starts_with("exec /bin/sh"));
    }
}
