//! What no file of the project says.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::command::{command, output};

struct Banned {
    words: String,
    why: &'static str,
}

pub(crate) fn check(root: &Path) -> Result<()> {
    let banned = banned(root);
    let mut files = command(root, "git");
    files.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let mut found = Vec::new();
    for file in output(files)?.split_terminator('\0') {
        let Ok(bytes) = fs::read(root.join(file)) else { continue }; // Deleted, not yet committed.
        let text = String::from_utf8_lossy(&bytes);
        found.extend(findings(&text, &banned).map(|(line, why)| format!("{file}:{line}: {why}")));
    }
    if !found.is_empty() {
        bail!("{}", found.join("\n"));
    }
    Ok(())
}

/// The words are put together here so that this file does not hold them.
fn banned(root: &Path) -> Vec<Banned> {
    let machine = "names a path of one machine";
    let homes = [env::var_os("HOME"), env::var_os("USERPROFILE"), env::var_os("CARGO_HOME")];
    let mut banned: Vec<_> = homes
        .into_iter()
        .flatten()
        .map(|home| home.to_string_lossy().into_owned())
        .chain([root.display().to_string()])
        .filter(|path| path.len() > 1)
        .map(|path| Banned { words: format!("{path}/"), why: machine })
        .collect();
    for (words, why) in [
        (concat!("/wo", "rk/"), machine),
        (concat!("/Us", "ers/"), machine),
        (concat!("#[ig", "nore"), "a test runs or does not exist"),
        (concat!("```ig", "nore"), "a documented example compiles or is text"),
    ] {
        banned.push(Banned { words: words.to_owned(), why });
    }
    banned
}

/// The lines (from 1) that say something banned. A path counts where it begins, not inside a longer one.
fn findings<'a>(text: &'a str, banned: &'a [Banned]) -> impl Iterator<Item = (usize, &'static str)> + 'a {
    text.lines().enumerate().flat_map(move |(index, line)| {
        let says = |words: &str| {
            line.match_indices(words).any(|(at, _)| !line[..at].ends_with(|before: char| is_path(before)))
        };
        banned.iter().filter(move |banned| says(&banned.words)).map(move |banned| (index + 1, banned.why))
    })
}

fn is_path(character: char) -> bool {
    character.is_alphanumeric() || "._-~}/".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let banned = banned(Path::new("/builds/tour"));
        findings(text, &banned).map(|(line, _)| line).collect()
    }

    #[test]
    fn a_machine_path_is_found_on_its_line() {
        assert_eq!(lines("fine\nsee /builds/tour/notes.md\nopen(\"/builds/tour/x\")"), [2, 3]);
    }

    #[test]
    fn a_path_inside_another_is_no_machine_path() {
        assert_eq!(lines("https://example.org/builds/tour/notes.md ../builds/tour/x"), [] as [usize; 0]);
    }

    #[test]
    fn a_test_left_out_is_found() {
        assert_eq!(lines(concat!("#[test]\n    #[ig", "nore = \"slow\"]")), [2]);
    }
}
