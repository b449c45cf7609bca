//! The unit that systemd runs the sender by.

use std::time::Duration;

use ec2_stories_core::attributes::Template;

/// Sends from this folder to this address. It needs nothing that only root may do, but to read its own files.
pub(super) fn unit(folder: &str, url: &str, every: Duration) -> Template {
    let send = word(&format!("{folder}/send.sh"));
    let (url, every) = (word(url), every.as_secs());
    Template::literal(format!(
        "[Unit]\n\
         Description=Heartbeats of EC2 Stories\n\
         [Service]\n\
         ExecStart=/bin/sh {send} {url} {every}\n\
         Restart=always\n\
         RestartSec=5\n\
         NoNewPrivileges=yes\n\
         CapabilityBoundingSet=\n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    ))
}

/// One word of a command line (systemd.service(5), "Command lines").
fn word(text: &str) -> String {
    let mut word = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => word.extend(['\\', c]),
            '%' | '$' => word.extend([c, c]),
            _ => word.push(c),
        }
    }
    word + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_sender_as_they_are() {
        assert_eq!(word("/etc/ec2-stories"), "\"/etc/ec2-stories\"");
        assert_eq!(word(r#"a "b" \ $c %n"#), r#""a \"b\" \\ $$c %%n""#);
    }
}
