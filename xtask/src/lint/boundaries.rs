//! Who may depend on whom. Compile cost is a feature: only who needs aws-sdk-ec2 builds it.

use anyhow::{Result, bail};

use crate::command::{cargo, output};
use crate::test::EVERYTHING;
use crate::workspace::{Package, Workspace};

const CORE: &str = "ec2-stories-core";

/// They stand above the family and depend on whatever they like.
const ABOVE: [&str; 3] = ["ec2-stories", "ec2-stories-benches", "ec2-stories-examples"];

/// The one sibling that names aws-sdk-ec2.
const EC2: &str = "ec2-stories-ec2";

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut trespasses = siblings(&workspace.packages);
    // Normal and build dependencies of every feature; a test may use what it likes.
    let above_sdk = tree(workspace, &format!("{EVERYTHING} --invert aws-sdk-ec2"))?;
    let names = workspace.packages.iter().map(|package| package.name.as_str());
    trespasses.extend(builders_of_ec2(names, &above_sdk));
    // Without its feature `aws`, core knows no SDK.
    let below_core = tree(workspace, &format!("--package {CORE}"))?;
    trespasses.extend(
        packages(&below_core)
            .filter(|name| name.starts_with("aws-"))
            .map(|name| format!("{CORE} without features depends on {name}")),
    );
    if !trespasses.is_empty() {
        bail!("{}", trespasses.join("\n"));
    }
    Ok(())
}

fn tree(workspace: &Workspace, of: &str) -> Result<String> {
    output(cargo(&workspace.root, &format!("tree {of} --edges normal,build --prefix none --format {{p}}")))
}

/// Names in what `cargo tree --prefix none --format {p}` prints: `name v1.2.3 (…)` on each line.
fn packages(tree: &str) -> impl Iterator<Item = &str> {
    tree.lines().filter_map(|line| line.split_whitespace().next())
}

fn builders_of_ec2<'a>(members: impl Iterator<Item = &'a str>, above_sdk: &str) -> Vec<String> {
    let may = |name: &str| name == EC2 || ABOVE.contains(&name);
    members
        .filter(|member| !may(member) && packages(above_sdk).any(|name| name == *member))
        .map(|member| {
            format!("{member} builds aws-sdk-ec2: `cargo tree -p {member} -i aws-sdk-ec2` shows why")
        })
        .collect()
}

/// Siblings depend on core alone; only those above them join them.
fn siblings(members: &[Package]) -> Vec<String> {
    let below = |name: &str| members.iter().any(|member| member.name == name) && name != CORE;
    members
        .iter()
        .filter(|member| !ABOVE.contains(&member.name.as_str()))
        .flat_map(|member| member.dependencies.iter().map(move |dependency| (&member.name, dependency)))
        .filter(|(_, dependency)| below(dependency))
        .map(|(member, dependency)| format!("{member} depends on its sibling {dependency}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        let dependencies = dependencies.iter().map(|&name| name.to_owned()).collect();
        Package { name: name.to_owned(), dependencies, examples: Vec::new() }
    }

    #[test]
    fn a_sibling_may_depend_on_core_only() {
        let members = [
            package("ec2-stories", &["ec2-stories-core", "ec2-stories-ec2", "ec2-stories-sim"]),
            package("ec2-stories-core", &["serde"]),
            package("ec2-stories-ec2", &["ec2-stories-core"]),
            package("ec2-stories-sim", &["ec2-stories-core", "ec2-stories-ec2"]),
        ];
        assert_eq!(siblings(&members), ["ec2-stories-sim depends on its sibling ec2-stories-ec2"]);
    }

    #[test]
    fn only_the_ec2_crate_and_those_above_build_the_sdk() {
        let above = "aws-sdk-ec2 v1.274.0\nec2-stories-ec2 v0.1.0 (/src/ec2-stories-ec2)\nec2-stories v0.1.0 (/src/ec2-stories)\nec2-stories-sim v0.1.0 (/src/sim)";
        let found = builders_of_ec2(
            ["ec2-stories", "ec2-stories-ec2", "ec2-stories-sim", "xtask"].into_iter(),
            above,
        );
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("ec2-stories-sim builds aws-sdk-ec2"), "{}", found[0]);
    }
}
