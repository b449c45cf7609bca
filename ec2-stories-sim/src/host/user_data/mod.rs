//! User data as hosts without cloud-init run it: shell scripts, a part of cloud-config, and both in a MIME archive.

mod config;

use std::io::Read;

use flate2::read::MultiGzDecoder;
use mail_parser::{MessageParser, MimeHeaders};

pub(super) use config::{CloudConfig, Command, File};

/// What user data may unpack to. EC2 takes 16 KiB of it; cloud-init has no limit of its own.
const MAX_UNPACKED: u64 = 16 << 20;
const GZIP: &[u8] = &[0x1f, 0x8b];

/// User data, read.
#[derive(Default)]
pub(super) struct UserData {
    pub(super) config: CloudConfig,
    /// In order.
    pub(super) scripts: Vec<Vec<u8>>,
    /// What nobody here can do, for the console.
    pub(super) problems: Vec<String>,
}

impl UserData {
    /// Reads all that can be read; the rest becomes problems, as with cloud-init.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut read = Self::default();
        read.take(bytes);
        read
    }

    fn take(&mut self, bytes: &[u8]) {
        if bytes.starts_with(GZIP) {
            let mut unpacked = Vec::new();
            match MultiGzDecoder::new(bytes).take(MAX_UNPACKED).read_to_end(&mut unpacked) {
                Ok(_) => self.take(&unpacked),
                Err(error) => self.problems.push(format!("user data cannot be unpacked: {error}")),
            }
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let first = text.lines().next().unwrap_or_default().trim_end();
        match first {
            "" if text.trim().is_empty() => {}
            line if line.starts_with("#!") => self.scripts.push(bytes.to_vec()),
            line if line.starts_with("#cloud-config") => self.config(&text),
            line if is_header(line) => self.archive(bytes),
            line => {
                let shown: String = line.chars().take(24).collect();
                self.problems.push(format!("user data that begins with {shown:?} is not run by this host"));
            }
        }
    }

    fn config(&mut self, text: &str) {
        match CloudConfig::read(text) {
            Ok((config, ignored)) => {
                self.config.merge(config);
                self.problems
                    .extend(ignored.iter().map(|key| format!("cloud-config: {key} is ignored by this host")));
            }
            // The text can hold secrets, so only the place is said.
            Err(place) => self.problems.push(format!("cloud-config cannot be read: {place}")),
        }
    }

    /// Parts that are archives themselves are left out: nobody makes them.
    fn archive(&mut self, bytes: &[u8]) {
        let Some(message) = MessageParser::default().parse(bytes) else {
            self.problems.push("user data is no MIME archive that can be read".to_owned());
            return;
        };
        for part in &message.parts {
            if !part.is_multipart() {
                let kind = part.content_type().and_then(|kind| kind.subtype()).unwrap_or_default();
                match kind {
                    "x-shellscript" => self.scripts.push(part.contents().to_vec()),
                    "cloud-config" => self.config(&String::from_utf8_lossy(part.contents())),
                    _ => self.take(part.contents()),
                }
            }
        }
    }
}

/// What cloud-init takes for the start of a MIME archive.
fn is_header(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.starts_with("content-type:") || line.starts_with("mime-version:")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn a_script_is_a_script_packed_or_not() {
        let script = b"#!/bin/sh\necho hello\n";
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(script).unwrap();
        for data in [script.to_vec(), gzip.finish().unwrap()] {
            assert_eq!(UserData::read(&data).scripts, [script]);
        }
    }

    #[test]
    fn an_archive_gives_its_parts_in_order() {
        let archive = "Content-Type: multipart/mixed; boundary=\"==b\"\nMIME-Version: 1.0\n\n--==b\n\
                       Content-Type: text/cloud-config; charset=\"utf-8\"\n\n#cloud-config\nruncmd: [ls]\n--==b\n\
                       Content-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\nIyEvYmluL3NoCmRhdGUK\n--==b\n\
                       Content-Type: text/cloud-config\n\n#cloud-config\nruncmd: [rm]\nhostname: web\n--==b--\n";
        let read = UserData::read(archive.as_bytes());
        assert_eq!(read.scripts, [b"#!/bin/sh\ndate\n"]);
        assert_eq!(read.config.runcmd, [Command::Line("ls".to_owned())], "the first to say it wins");
        assert_eq!(read.config.hostname.as_deref(), Some("web"));
        assert_eq!(read.problems, [""; 0]);
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let problems = |text: &str| UserData::read(text.as_bytes()).problems.join(" ");
        assert!(problems("#include\nhttp://example.org/").contains("#include"));
        assert!(problems("#cloud-config\npackages: [tree]\n").contains("packages"));
        assert!(problems("#cloud-config\nruncmd: [\n").contains("cannot be read"));
        assert_eq!(problems(""), "");
    }
}
