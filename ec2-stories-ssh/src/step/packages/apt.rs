//! Debian's and Ubuntu's packages.

use std::time::Duration;

use ec2_stories_core::Result;

use super::{Missing, Packages, Wanted};
use crate::Command;
use crate::step::host::Host;
use crate::step::steps::failure;

/// One line a package: its status, its name, its version. It fails for names that it does not know, and says the others.
const QUERY: &str =
    "dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\\n' -- \"$@\" 2>/dev/null; exit 0";

/// Seconds since the lists were got last; nothing where they never were.
const AGE: &str = r#"cd /var/lib/apt/lists 2>/dev/null || exit 0
newest=$(stat -c %Y /var/lib/apt/lists/partial /var/lib/apt/periodic/update-success-stamp 2>/dev/null | sort -n | tail -n 1)
ls | grep -q _Packages || exit 0
[ -z "$newest" ] || echo $(( $(date +%s) - newest ))"#;

const REPAIR: &str = "dpkg --configure -a";

pub(super) async fn missing(host: &Host, wanted: &[Wanted<'_>]) -> Result<Vec<Missing>> {
    // Of a name with an architecture the query's answer has the bare one.
    let names: Vec<&str> = wanted.iter().map(|wanted| wanted.name).collect();
    let output = host.script("look for packages", QUERY, &names).await?;
    Ok(compare(&output.stdout.text(), wanted))
}

fn compare(listed: &str, wanted: &[Wanted<'_>]) -> Vec<Missing> {
    let installed: Vec<(&str, &str)> = listed
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (status, name, version) = (words.next()?, words.next()?, words.next()?);
            (status == "installed").then_some((name, version))
        })
        .collect();
    let missing = wanted.iter().filter_map(|Wanted { name, version }| {
        let bare = name.split(':').next().unwrap_or(name);
        let found = installed.iter().find(|(installed, _)| *installed == bare);
        if found.is_some_and(|(_, there)| version.is_none_or(|version| version == *there)) {
            return None;
        }
        let asked = version.map_or_else(|| (*name).to_owned(), |version| format!("{name}={version}"));
        Some(Missing { name: (*name).to_owned(), asked, is_there: found.is_some() })
    });
    missing.collect()
}

/// Installs, and says whether that changed anything: a virtual package may be there by another name.
pub(super) async fn install(packages: &Packages, host: &Host, names: &[String]) -> Result<bool> {
    let age = host.script("look at apt's lists", AGE, &[]).await?.stdout.text();
    let mut fresh = age.trim().parse().is_ok_and(|age| Duration::from_secs(age) <= packages.lists);
    let mut repaired = false;
    loop {
        if !fresh {
            packages
                .unlocked(host, &apt_get(packages.lock, ["update"]), is_locked)
                .await?
                .checked("apt-get update")?;
        }
        let install = install_command(names, packages.lock);
        let output = packages.unlocked(host, &install, is_locked).await?;
        if output.exit.is_success() {
            return Ok(!output.stdout.text().contains(NOTHING));
        }
        let said = output.stderr.text();
        if said.contains("dpkg --configure -a") && !repaired {
            let repair = Command::shell(REPAIR).env("DEBIAN_FRONTEND", "noninteractive");
            packages.unlocked(host, &repair, is_locked).await?.checked("dpkg --configure -a")?;
            repaired = true;
        } else if is_stale(&said) && fresh {
            fresh = false;
        } else {
            return Err(failure(format!("apt-get install: {}", why(&said))));
        }
    }
}

const NOTHING: &str = "0 upgraded, 0 newly installed, 0 to remove";

pub(super) fn remove(names: &[String], lock: Duration) -> Command {
    apt_get(lock, ["remove", "--"]).args(names)
}

fn install_command(names: &[String], lock: Duration) -> Command {
    // The first dpkg option: a file that the user changed stays as it is; the second: where that says nothing, the default.
    let options = [
        "-o",
        "Dpkg::Options::=--force-confdef",
        "-o",
        "Dpkg::Options::=--force-confold",
        "--no-install-recommends",
        "--allow-downgrades",
        "install",
        "--",
    ];
    apt_get(lock, options).args(names)
}

fn apt_get<const N: usize>(lock: Duration, arguments: [&str; N]) -> Command {
    Command::new("apt-get")
        .args(["-q", "-y", "-o", &format!("DPkg::Lock::Timeout={}", lock.as_secs())])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // What is parsed is English.
        .env("LC_ALL", "C")
}

/// Newer versions wait for dpkg's lock themselves; the lock of the lists they never wait for.
pub(super) fn is_locked(said: &str) -> bool {
    [
        "Could not get lock",
        "Unable to lock",
        "Unable to acquire the dpkg frontend lock",
        "is locked by another process",
    ]
    .iter()
    .any(|words| said.contains(words))
}

/// The lists name what the mirror does not have any more, or do not name what it has now.
fn is_stale(said: &str) -> bool {
    [
        "Unable to locate package",
        "has no installation candidate",
        "404  Not Found",
        "was not found",
        "Unable to fetch",
    ]
    .iter()
    .any(|words| said.contains(words))
}

/// apt-get's own complaints, without what comes after them.
fn why(said: &str) -> String {
    let errors: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("E: ")).take(3).collect();
    match errors[..] {
        [] => said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned(),
        _ => errors.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // As dpkg-query 1.21.22 writes it; rc is a package that was removed and left its configuration.
    const LISTED: &str =
        "installed bash 5.2.15-2+b7\nconfig-files nginx 1.22.1-9\ninstalled libc6 2.36-9+deb12u9\n";

    #[test]
    fn what_is_there_is_not_missing() {
        let wanted = ["bash", "libc6:amd64", "bash=5.2.15-2+b7"].map(Wanted::of);
        assert_eq!(compare(LISTED, &wanted), []);
    }

    #[test]
    fn what_was_removed_or_is_another_version_is_missing() {
        let missing = compare(LISTED, &["nginx", "bash=5.1", "jq"].map(Wanted::of));
        let told: Vec<_> = missing.iter().map(|missing| (missing.asked.as_str(), missing.is_there)).collect();
        assert_eq!(told, [("nginx", false), ("bash=5.1", true), ("jq", false)]);
    }

    #[test]
    fn locks_are_told_from_other_failures() {
        // As apt 2.6.1 writes it.
        assert!(is_locked(
            "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 22 (apt-get)\nE: Unable to lock directory /var/lib/apt/lists/\n"
        ));
        assert!(is_locked(
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 41 (apt-get)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?\n"
        ));
        let unknown = "E: Unable to locate package no-such-thing\n";
        assert!(!is_locked(unknown) && is_stale(unknown));
        assert_eq!(why(unknown), "Unable to locate package no-such-thing");
        assert_eq!(why("W: x\n\nterrible\n"), "terrible");
    }

    #[test]
    fn an_installation_asks_nothing_and_takes_names_for_names() {
        let line = install_command(&["nginx=1".to_owned()], Duration::from_secs(7)).to_string();
        assert!(line.starts_with("apt-get -q -y -o DPkg::Lock::Timeout=7 "), "{line}");
        assert!(line.ends_with(" install -- nginx=1"), "{line}");
    }
}
