//! Packages of RPM distributions: by dnf, or by yum.

use ec2_stories_core::Result;

use super::{Missing, Packages, Wanted};
use crate::Command;
use crate::step::host::Host;

/// One line a package, `name version version-release`, after a line with the name that was asked for.
const QUERY: &str = r#"for name; do
  printf '= %s\n' "$name"
  rpm -q --whatprovides --qf '%{NAME} %{VERSION} %{VERSION}-%{RELEASE}\n' -- "$name" 2>/dev/null
done; exit 0"#;

pub(super) async fn missing(host: &Host, wanted: &[Wanted<'_>]) -> Result<Vec<Missing>> {
    let names: Vec<&str> = wanted.iter().map(|wanted| wanted.name).collect();
    let output = host.script("look for packages", QUERY, &names).await?;
    Ok(compare(&output.stdout.text(), wanted))
}

fn compare(listed: &str, wanted: &[Wanted<'_>]) -> Vec<Missing> {
    let missing = wanted.iter().filter_map(|Wanted { name, version }| {
        let heading = format!("= {name}");
        let answer = listed.lines().skip_while(|line| *line != heading).skip(1);
        let there: Vec<Vec<&str>> = answer
            .take_while(|line| !line.starts_with("= "))
            .map(|line| line.split(' ').collect::<Vec<_>>())
            // Else it is a sentence: "no package provides jq".
            .filter(|words| words.len() == 3)
            .collect();
        let fits = |words: &Vec<&str>| version.is_none_or(|version| words[1..].contains(&version));
        if there.iter().any(fits) {
            return None;
        }
        let asked = version.map_or_else(|| (*name).to_owned(), |version| format!("{name}-{version}"));
        Some(Missing { name: (*name).to_owned(), asked, is_there: !there.is_empty() })
    });
    missing.collect()
}

pub(super) async fn install(
    packages: &Packages,
    host: &Host,
    program: &str,
    names: &[String],
) -> Result<bool> {
    let install = manager(program, "install", names);
    let mut output = packages.unlocked(host, &install, is_locked).await?;
    if !output.exit.is_success() && is_stale(&output.stderr.text()) {
        let expire = manager(program, "clean", &["expire-cache".to_owned()]);
        packages.unlocked(host, &expire, is_locked).await?.checked(&format!("{program} clean"))?;
        output = packages.unlocked(host, &install, is_locked).await?;
    }
    let output = output.checked(&format!("{program} install"))?;
    // dnf says "Nothing to do.", yum "Nothing to do".
    Ok(!output.stdout.text().contains("Nothing to do"))
}

pub(super) fn remove(program: &str, names: &[String]) -> Command {
    manager(program, "remove", names)
}

fn manager(program: &str, verb: &str, names: &[String]) -> Command {
    // By themselves both wait for a lock for ever.
    Command::new(program).args(["-y", "--setopt=exit_on_lock=1", verb]).args(names).env("LC_ALL", "C")
}

/// As dnf 4 says it ("RPMDB already locked by 7"), yum 3, and dnf 5.
pub(super) fn is_locked(said: &str) -> bool {
    ["already locked by", "holding the yum lock", "Failed to obtain the transaction lock"]
        .iter()
        .any(|words| said.contains(words))
}

/// The lists do not name what the repository may have by now: they are kept for days.
fn is_stale(said: &str) -> bool {
    ["Unable to find a match", "No match for argument", "No package", "Nothing to do"]
        .iter()
        .any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    // As rpm 4.16 writes it.
    const LISTED: &str = "= bash\nbash 5.2.15 5.2.15-1.amzn2023.0.2\n= mail\nno package provides mail\n\
                          = kernel\nkernel 6.1.1 6.1.1-1\nkernel 6.1.2 6.1.2-1\n";

    #[test]
    fn what_provides_a_name_in_a_version_is_there() {
        let wanted = ["bash", "bash=5.2.15", "bash=5.2.15-1.amzn2023.0.2", "kernel=6.1.1"].map(Wanted::of);
        assert_eq!(compare(LISTED, &wanted), []);
    }

    #[test]
    fn the_rest_is_missing() {
        let missing = compare(LISTED, &["mail", "bash=5.1", "kernel=6.2", "vim"].map(Wanted::of));
        let told: Vec<_> = missing.iter().map(|missing| (missing.asked.as_str(), missing.is_there)).collect();
        assert_eq!(told, [("mail", false), ("bash-5.1", true), ("kernel-6.2", true), ("vim", false)]);
    }

    #[test]
    fn nobody_is_asked() {
        assert_eq!(
            manager("dnf", "install", &["jq".to_owned()]).to_string(),
            "dnf -y --setopt=exit_on_lock=1 install jq"
        );
    }
}
