//! Every error says where it is.

use ec2_stories::Error;
use ec2_stories::story::{Story, StoryError};

use super::with;

/// Line, column, and the text that the message must hold.
#[track_caller]
fn wrong(lines: &str, place: (usize, usize), message: &str) -> StoryError {
    let error = with(lines).expect_err("the story is wrong");
    assert!(error.message().contains(message), "{error}");
    assert_eq!((error.line(), error.column()), place, "{error}");
    error
}

#[test]
fn an_unknown_key_is_shown_with_its_line() {
    let error = wrong("nodse = 3", (6, 1), "unknown field `nodse`");
    assert_eq!(error.to_string(), format!("story:6:1: {}\n  |\n6 | nodse = 3\n  | ^^^^^", error.message()));
}

#[test]
fn whoever_mistypes_a_key_is_told_the_one_that_is_meant() {
    for (typed, meant) in [
        ("step = []", "steps"),
        ("probes = { tcp = 22 }", "probe"),
        ("bundles = 'x'", "bundle"),
        ("firewal = []", "firewall"),
    ] {
        wrong(typed, (6, 1), &format!("`{meant}`"));
    }
    let error = Story::parse("name = 'shop'\nacount = {}\n").unwrap_err();
    assert!(error.message().contains("`account`"), "{error}");
}

#[test]
fn wrong_values_are_shown_where_they_stand() {
    wrong("image = 7", (6, 9), "string or table");
    wrong("image = \"debian\"", (6, 9), "an image is \"ami-…\"");
    wrong("image = { public = 3 }", (6, 20), "string");
    wrong("image = { newest = { owner = \"self\" } }", (6, 20), "name");
    wrong("launch_timeout = \"soon\"", (6, 18), "a duration such as");
    wrong("after = [\"Web\"]", (6, 10), "lower-case");
    wrong("volumes = [{ gib = 8, type = \"gp9\" }]", (6, 30), "gp9");
    wrong("expires_after = 5", (6, 17), "a duration such as \"4h\", or \"never\"");
    wrong(
        "health = { replace = \"sometimes\" }",
        (6, 22),
        "there is no `sometimes`, expected one of `terminate",
    );
    wrong("health = { max_in_flight = 0 }", (6, 28), "more than none");
    wrong("health = { max_in_flight = \"0%\" }", (6, 28), "more than none");
    wrong("health = { dead_after = \"5s\" }", (6, 25), "not be less than the period");
    wrong("market = \"auction\"", (6, 10), "auction");
}

#[test]
fn firewall_rules_are_checked_one_by_one() {
    wrong("firewall = [{ tcp = 443 }]", (6, 13), "from where");
    wrong("firewall = [{ tcp = 443, udp = 53, from = \"anywhere\" }]", (6, 13), "one of tcp");
    wrong("firewall = [{ tcp = \"https\", from = \"anywhere\" }]", (6, 21), "8000-8100");
    wrong("firewall = [{ tcp = 70000, from = \"anywhere\" }]", (6, 21), "70000");
    wrong("firewall = [{ icmp = 8, from = \"anywhere\" }]", (6, 22), "icmp = true");
    wrong(
        "firewall = [\n  { tcp = 1, from = \"anywhere\" },\n  { tcp = 22, from = \"10.0.0\" },\n]",
        (8, 22),
        "10.0.0",
    );
    wrong("firewall = [{ tcp = 1, from = \"anywhere\", why = \"\" }]", (6, 43), "unknown field `why`");
    wrong("firewall = [{ tcp = \"90-80\", from = \"anywhere\" }]", (6, 21), "above");
}

#[test]
fn references_are_pointed_at_within_their_text() {
    let text = "user_data.text = '''\n#!/bin/sh\necho ${HOME}\n'''";
    wrong(text, (8, 6), "${HOME}");
    wrong("user_data.text = 'echo ${db/0.private_ip}'", (6, 24), "db");
    wrong("user_data.text = 'echo ${index}'", (6, 24), "index");
    wrong("after = [\"db\"]", (6, 9), "db");
    wrong("firewall = [{ tcp = 1, from = \"fleet:db\" }]", (6, 31), "db");
}

#[test]
fn keys_and_user_data_are_one_thing_each() {
    wrong("key = \"mine\"", (6, 7), "existing");
    wrong("key = { existing = \"a\", generated = \"b\" }", (6, 7), "one of");
    wrong("key = { public_key_file = \"no-such-file.pub\" }", (6, 27), "no-such-file.pub");
    wrong("user_data = { text = \"a\", file = \"b\" }", (6, 13), "both text and file");
    wrong("user_data = { file = \"no-such-file\" }", (6, 22), "no-such-file");
}

#[test]
fn an_account_holds_no_secret_and_says_what_goes_together() {
    let account = |table: &str| {
        Story::parse(format!("name = \"shop\"\n[account]\n{table}\n")).expect_err("it is wrong")
    };
    let error = account("provider = \"environment\"\nsecret_access_key = \"wJalrXUtnFEMI\"");
    assert_eq!((error.line(), error.column()), (4, 1));
    assert!(!error.to_string().contains("wJalrXUtnFEMI"), "{error}");
    assert!(account("provider = \"static\"").message().contains("static"));
    assert!(account("provider = \"profile\"").message().contains("needs profile"));
    assert_eq!(account("region = \"eu-west-1\"\npath = \"keys\"").line(), 4);
    assert!(account("external_id = \"x\"").message().contains("role"));
    let bucket = account("region = \"eu-west-1\"\nimage_bucket = \"Bad_B\"");
    assert_eq!((bucket.line(), bucket.column()), (4, 16), "{bucket}");
    assert!(bucket.message().starts_with("[account] image_bucket: \"Bad_B\""), "{bucket}");
}

#[test]
fn a_secret_in_the_wrong_place_is_not_quoted() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    for lines in [
        format!("market = \"{secret}\""),
        format!("instance_types = [\"t3.micro\"]\nvolumes = [{{ gib = 8, type = \"{secret}\" }}]"),
        format!("'{secret}' = 1"),
        format!("after = [\"{secret}\"]"),
    ] {
        let error = with(&lines).expect_err("the story is wrong");
        assert!(!format!("{error} {error:?}").contains("wJalrXUtnFEMI"), "{error}");
    }
    let account = format!("name = \"shop\"\n[account]\nprovider = \"{secret}\"\n");
    let error = Story::parse(account).expect_err("there is no such provider");
    assert!(!format!("{error} {error:?}").contains("wJalrXUtnFEMI"), "{error}");
    assert_eq!(error.line(), 3);
}

#[test]
fn a_file_is_named_as_it_was_given_and_turns_into_the_familys_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.toml");
    let missing = Story::open(&path).unwrap_err();
    assert_eq!(missing.line(), 0);
    std::fs::write(&path, "name = \"shop\"\nname = \"again\"\n").unwrap();
    let error = Story::open(&path).unwrap_err();
    assert!(error.to_string().starts_with(&format!("{}:2:1: ", path.display())), "{error}");
    assert_eq!(Error::from(error).kind(), ec2_stories::ErrorKind::Invalid);
}

#[test]
fn keys_of_hosts_that_are_none_are_shown() {
    wrong("login = { host_keys = { pinned = \"foo\" } }", (6, 34), "is not a public key");
    wrong("login = { host_keys = { authority = \"foo\" } }", (6, 37), "is not a public key");
}

#[test]
fn a_mode_without_quotes_is_explained() {
    let step = "steps = [{ file = { path = \"/etc/x\", text = \"\", mode = 640 } }]";
    wrong(step, (6, 56), "permissions are octal, and written in quotes: \"0640\"");
}

/// As [`wrong`], for what is seen before a start only.
#[track_caller]
fn cannot(lines: &str, place: (usize, usize), message: &str) {
    let story = with(&format!("login = {{ user = \"admin\" }}\n{lines}")).expect("it can be read");
    let error = story.check_customizing().expect_err("it cannot be done");
    assert!(error.message().contains(message), "{error}");
    assert_eq!((error.line(), error.column()), place, "{error}");
}

#[test]
fn what_is_sent_to_nodes_must_be_there() {
    cannot("steps = [{ file = { path = \"/x\", source = \"no-such\" } }]", (7, 43), "no-such: No such file");
    cannot("steps = [{ file = { path = \"/x\", source = \"/\" } }]", (7, 43), "is a folder");
    cannot(
        "steps = [{ folder = { path = \"/x\", source = \"no-such\" } }]",
        (7, 45),
        "no-such: No such file",
    );
    cannot("bundle = \"no-such\"", (7, 10), "no-such");
}

#[test]
fn what_steps_refer_to_must_be_there() {
    let refers = |to: &str| format!("steps = [{{ file = {{ path = \"/x\", text = \"a ${{{to}}}\" }} }}]");
    cannot(&refers("db/0.private_ip"), (7, 44), "there is no fleet db");
    cannot(&refers("web/9.private_ip"), (7, 44), "fleet web has slots 0 to");
    cannot(&refers("web/0.shoe_size"), (7, 44), "nodes have no attribute shoe_size");
    let own = with(&format!("login = {{ user = \"admin\" }}\n{}", refers("web/0.private_ip")));
    own.unwrap().check_customizing().unwrap();
    cannot("steps = [{ command = { shell = \"x\", env = { A = \"${db/0.id}\" } } }]", (7, 50), "no fleet db");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("motd");
    std::fs::write(&file, "db at ${db/0.private_ip}\n").unwrap();
    let source = format!("steps = [{{ file = {{ path = \"/x\", source = {file:?}, template = true }} }}]");
    cannot(&source, (7, 10), "there is no fleet db");
}
