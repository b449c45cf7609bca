//! The core's suite for customizers.

use std::sync::Arc;

use ec2_stories_core::attributes::Template;
use ec2_stories_core::conformance::{self, CustomizerFixture};
use ec2_stories_ssh::step::{AuthorizedKeys, File, Folder, Run, Steps};

use super::{node, node_at, nodes, path};
use crate::support::Sshd;

#[tokio::test]
async fn steps_keep_the_contract() {
    let (one, two) = (Sshd::start(), Sshd::start());
    let source = path(&one, "source");
    std::fs::create_dir_all(format!("{source}/sub")).unwrap();
    std::fs::write(format!("{source}/sub/a"), "a").unwrap();
    // Each server is a node of its own with a folder of its own; the steps say their paths by what differs.
    let (mark, first) = (path(&one, "mark"), path(&one, "first"));
    let customizer =
        Steps::new([File::template(&first, Template::new("db ${db/0.private_ip}\n").unwrap()).undone()])
            .then(Folder::new(path(&one, "tree"), &source).undone())
            .then(Run::new(["touch", &mark]).creates(&mark).undone_by(["rm", &mark]))
            .then(Run::new(["true"]).named("once").undone_by(["true"]))
            .over(nodes(&one));
    let failing = Steps::new([File::text(path(&one, "second"), "x").undone()])
        .then(Run::new(["false"]))
        .then(Run::new(["true"]))
        .over(nodes(&one));
    let mut untouched = node(&two);
    untouched.instance.id = "i-2".into();
    let mut unreachable = node_at(&one, 1);
    unreachable.instance.private_ip = Some("127.255.255.1".to_owned());
    conformance::customizer(&CustomizerFixture {
        customizer: Arc::new(customizer.clone()),
        nodes: [node(&one), untouched],
        failing: Arc::new(failing),
        unreachable: Some(unreachable),
    })
    .await;
    assert!(!std::path::Path::new(&first).exists() && !std::path::Path::new(&mark).exists());
    assert!(!std::path::Path::new(&path(&one, "tree")).exists());
}

#[test]
fn each_kind_is_a_customizer() {
    use ec2_stories_core::Fleet;
    use ec2_stories_ssh::step::Packages;
    let fleet = Fleet::builder()
        .name("db")
        .nodes(1)
        .image(ec2_stories_core::model::Image::id("ami-1"))
        .customize(Packages::apt(["postgresql"]))
        .customize(AuthorizedKeys::at_least(
            "admin",
            ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILjtCIGVQZT1AJrQl+Z53j1c402u9SBthvQ8pctFFzVB"],
        ))
        .build();
    assert!(fleet.is_ok(), "{fleet:?}");
}
