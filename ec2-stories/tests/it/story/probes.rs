//! Probes in a story.

use ec2_stories::story::Story;

use super::with;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n";

#[track_caller]
fn wrong(lines: &str, place: (usize, usize), message: &str) {
    let error = with(lines).expect_err("the story is wrong");
    assert!(error.message().contains(message), "{error}");
    assert_eq!((error.line(), error.column()), place, "{error}");
}

#[track_caller]
fn read_back(lines: &str) -> String {
    let story = with(lines).unwrap_or_else(|error| panic!("{error}"));
    let text = story.to_toml().unwrap();
    let again = Story::parse(text.clone()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again.to_toml().unwrap(), text);
    text
}

const ALL: &str = r#"probe = { all_of = [
  { tcp = 22, failures = 5 },
  { http = { port = 8443, path = "/health?deep", tls = true, method = "HEAD", status = "200-299,304", body = "^ok", host = "shop.example.org", address = "private", redirects = { on_node = 2 }, headers = { accept = "text/plain" }, answered = { server = "nginx" }, timeout = "2s" } },
  { tls_expiry = { port = 443, at_least = "3days" }, failures = 2, successes = 4 },
  { any_of = [{ command = ["systemctl", "is-active", "web"] }, { command = { run = ["true"], status = 1, user = "root", timeout = "3s" } }] },
  { not = { tcp = { port = 23, timeout = "1s" } } },
  { icmp = true },
  { heartbeat = { listen = "127.0.0.1:7443", key_file = "beats.key", within = "45s" } },
  { cloud_state = true },
] }"#;

#[test]
fn every_kind_is_read_and_written_back() {
    let text = read_back(ALL);
    for said in [
        "failures = 5",
        "/health?deep",
        "200-299,304",
        "on_node = 2",
        "3days",
        "is-active",
        "cloud_state",
        "beats.key",
        "45s",
    ] {
        assert!(text.contains(said), "{said} is missing:\n{text}");
    }
}

#[test]
fn what_is_not_said_is_not_written() {
    let text = read_back("probe = { http = { port = 80 } }");
    let probe = text.split("[fleet.probe.http]").nth(1).unwrap().lines().map(str::trim);
    let keys: Vec<&str> =
        probe.take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty()).collect();
    assert_eq!(keys, ["path = \"/\"", "port = 80"], "{text}");
}

#[test]
fn what_is_wrong_is_shown_where_it_stands() {
    wrong("probe = 22", (6, 9), "a probe is a table");
    wrong("probe = {}", (6, 9), "asks something");
    wrong("probe = { ping = true }", (6, 11), "unknown probe `ping`, expected one of `tcp`");
    wrong("probe = { tcp = 22, http = { port = 80 } }", (6, 11), "put http and tcp into all_of");
    wrong("probe = { tcp = 70000 }", (6, 17), "from 0 to 65535");
    wrong("probe = { tcp = 0 }", (6, 17), "from 1 to 65535");
    wrong("probe = { http = { port = 0 } }", (6, 27), "from 1 to 65535");
    wrong("probe = { http = 80 }", (6, 18), "{ port = 80, path");
    wrong("probe = { tls_expiry = \"443\" }", (6, 24), "expected a port");
    wrong("probe = { http = { port = 80, path = \"health\" } }", (6, 38), "begins with a slash");
    let inside = "command = { run = […], timeout = … }";
    wrong("probe = { command = [\"true\"], timeout = \"1s\" }", (6, 31), inside);
    wrong("probe = { tcp = 22, address = \"private\" }", (6, 21), "tcp = { port = …, address = … }");
    wrong("probe = { not = { tcp = 22 }, timeout = \"1s\" }", (6, 31), "expected `failures` or `successes`");
    wrong("probe = { tcp = 22, failures = 0 }", (6, 32), "at least 1");
    wrong("probe = { all_of = [] }", (6, 20), "expected probes");
    wrong("probe = { any_of = [{ tcp = 22 }, { tcpp = 22 }] }", (6, 37), "unknown probe `tcpp`");
    wrong("probe = { http = { path = \"/\" } }", (6, 18), "port");
    wrong("probe = { http = { port = 80, paths = \"/\" } }", (6, 31), "unknown field `paths`");
    wrong("probe = { http = { port = 80, body = \"(\" } }", (6, 38), "is not a regular expression");
    wrong("probe = { http = { port = 80, status = \"2xx\" } }", (6, 40), "");
    wrong("probe = { http = { port = 80, pinned = \"abc\" } }", (6, 40), "sha256:");
    wrong("probe = { heartbeat = true }", (6, 23), "");
    wrong(
        "probe = { heartbeat = { listen = \"0.0.0.0:7443\", key_file = \"k\" } }",
        (6, 34),
        "give it a certificate",
    );
    wrong("probe = { icmp = { timeout = \"0s\" } }", (6, 30), "more than nothing");
    wrong("probe = { command = [] }", (6, 21), "is a program and its arguments");
    wrong("probe = { http = { port = 80, ca = { file = \"none.pem\" } } }", (6, 45), "none.pem");
}

#[test]
fn certificates_are_read_from_beside_the_story() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), PEM).unwrap();
    std::fs::write(folder.path().join("key.pem"), "-----BEGIN PRIVATE KEY-----\n").unwrap();
    let open = |file: &str| {
        let path = folder.path().join("shop.toml");
        let probe =
            format!("probe = {{ not = {{ http = {{ port = 443, ca = {{ file = \"{file}\" }} }} }} }}");
        std::fs::write(&path, format!("{}{probe}\nimage = \"ami-1\"\n", super::HEAD)).unwrap();
        Story::open(&path)
    };
    let text = open("ca.pem").unwrap().to_toml().unwrap();
    assert!(text.contains("BEGIN CERTIFICATE"), "{text}");
    assert!(open("key.pem").unwrap_err().message().contains("holds a private key"));
}

#[test]
fn a_command_needs_a_user() {
    let needy = with("probe = { not = { command = [\"true\"] } }").unwrap();
    let error = needy.check_customizing().unwrap_err();
    assert!(error.message().contains("user"), "{error}");
    with("probe = { command = [\"true\"] }\nlogin = { user = \"admin\" }")
        .unwrap()
        .check_customizing()
        .unwrap();
}

#[test]
fn health_is_read_and_written_back() {
    let text = read_back(
        "health = { period = \"5s\", timeout = \"2s\", max_in_flight = \"25%\", replace = \"launch_first\" }",
    );
    for said in ["period = \"5s\"", "max_in_flight = \"25%\"", "replace = \"launch_first\""] {
        assert!(text.contains(said), "{said} is missing:\n{text}");
    }
}

/// A story of two fleets that listen for heartbeats at one address.
fn heartbeats(folder: &std::path::Path, second: &str) -> Result<Story, ec2_stories::story::StoryError> {
    let fleet = |name: &str, probe: &str| {
        format!(
            "[[fleet]]\nname = \"{name}\"\nnodes = 1\nimage = \"ami-1\"\nlogin = {{ user = \"admin\" }}\n\
             steps = [{{ heartbeat = {{ to = \"https://10.0.0.5:7443\", key_file = \"beats.key\", ca = {{ file = \"ca.pem\" }} }} }}]\n\
             probe = {{ heartbeat = {{ {probe} }} }}\n"
        )
    };
    let first = r#"listen = "10.0.0.5:7443", key_file = "beats.key", certificate = "ca.pem", private_key = "tls.key""#;
    let text =
        format!("name = \"shop\"\n{}{}", fleet("db", first), fleet("web", &format!("{first}{second}")));
    std::fs::write(folder.join("ca.pem"), PEM).unwrap();
    std::fs::write(folder.join("shop.toml"), text).unwrap();
    Story::open(folder.join("shop.toml"))
}

#[test]
fn heartbeats_are_listened_for_and_sent_with_files_beside_the_story() {
    let folder = tempfile::tempdir().unwrap();
    let story = heartbeats(folder.path(), ", within = \"5m\"").unwrap();
    let text = story.to_toml().unwrap();
    assert_eq!(Story::parse(text.clone()).unwrap().to_toml().unwrap(), text);
    for said in ["beats.key", "tls.key"].map(|file| folder.path().join(file).display().to_string()) {
        assert!(text.contains(&said), "{said} is missing:\n{text}");
    }
    assert!(text.contains("TUlJQg"), "{text}");
    // What is missing is said before a start, not by nodes that never come to live.
    let missing = story.check_customizing().unwrap_err();
    assert!(missing.message().contains("beats.key") && missing.line() > 1, "{missing}");
    let put = |file: &str, mode: u32| {
        let file = folder.path().join(file);
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    put("beats.key", 0o600);
    let missing = story.check_customizing().unwrap_err();
    assert!(missing.message().contains("fleet.db.probe.heartbeat.private_key"), "{missing}");
    put("tls.key", 0o644);
    let open = story.check_customizing().unwrap_err();
    assert!(open.message().contains("(mode 0644): run chmod 600 '") && open.line() > 1, "{open}");
    put("tls.key", 0o600);
    story.check_customizing().unwrap();

    let error = heartbeats(folder.path(), ", in_the_clear = true").unwrap_err();
    assert!(error.message().contains("listened on in another way"), "{error}");
}
