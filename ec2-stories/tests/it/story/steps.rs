//! Steps in a story.

use ec2_stories::model::Name;
use ec2_stories::story::Story;

use super::with;

#[track_caller]
fn wrong(lines: &str, place: (usize, usize), message: &str) {
    let error = with(lines).expect_err("the story is wrong");
    assert!(error.message().contains(message), "{error}");
    assert_eq!((error.line(), error.column()), place, "{error}");
}

const ALL: &str = r#"steps = [
  { packages = { apt = ["nginx=1.22.1-9", "jq"], dnf = ["nginx"], lists = "2h", undo = true } },
  { file = { path = "/etc/x", text = "a ${web/0.private_ip} $${HOME}\n", mode = "0640", owner = "www-data" } },
  { folder = { path = "/srv/www", source = "public", exactly = true } },
  { command = { run = ["nginx", "-t"], only_if = ["test", "-e", "/etc/x"], env = { A = "${index}" }, timeout = "10s" } },
  { command = { shell = "echo ${fleet}", undo = ["true"] } },
  { user = { name = "app", groups = ["adm"] } },
  { authorized_keys = { user = "app", keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILjtCIGVQZT1AJrQl+Z53j1c402u9SBthvQ8pctFFzVB"] } },
  { service = { name = "nginx", enabled = false } },
]"#;

#[test]
fn every_kind_is_read_and_written_back_equal() {
    let story = with(ALL).unwrap_or_else(|error| panic!("{error}"));
    let web = Name::new("web").unwrap();
    let titles: Vec<String> = story.steps(&web).iter().map(ec2_stories::prelude::Step::title).collect();
    assert_eq!(titles.len(), 8, "{titles:?}");
    assert_eq!(titles[3], "command nginx -t");
    let text = story.to_toml().unwrap();
    let again = Story::parse(text.clone()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!((again.steps(&web), again.spec()), (story.steps(&web), story.spec()), "{text}");
}

#[test]
fn what_is_wrong_is_shown_where_it_stands() {
    wrong("steps = [{ package = { apt = [\"nginx\"] } }]", (6, 12), "there is no `package`");
    wrong("steps = [{ packages = { apt = [\"nginx\"], ppa = 1 } }]", (6, 42), "unknown field `ppa`");
    wrong("steps = [{ packages = { apt = [\"-y\"] } }]", (6, 32), "is not a package");
    wrong("steps = [\n  { file = { path = \"etc/x\", text = \"\" } },\n]", (7, 21), "is not absolute");
    wrong("steps = [{ file = { path = \"/x\", text = \"${HOME}\" } }]", (6, 42), "${HOME}");
    wrong("steps = [{ file = { path = \"/x\", text = \"\", mode = \"rwx\" } }]", (6, 52), "octal");
    wrong("steps = [{ command = { run = [\"a\"], shell = \"b\" } }]", (6, 22), "both run and shell");
    wrong("steps = [{ command = { run = [\"a\"], timeout = \"soon\" } }]", (6, 47), "");
    wrong("steps = \"nginx\"", (6, 9), "sequence");
}

#[test]
fn files_are_relative_to_the_story() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.toml");
    let steps = "steps = [{ file = { path = \"/etc/x\", source = \"x.conf\" } }]";
    std::fs::write(&path, format!("{}{steps}\nimage = \"ami-1\"\n", super::HEAD)).unwrap();
    let story = Story::open(&path).unwrap();
    let text = story.to_toml().unwrap();
    assert!(text.contains(folder.path().join("x.conf").to_str().unwrap()), "{text}");
}
