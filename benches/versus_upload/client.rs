//! The clients, as commands.

use std::process::Stdio;

use ec2_stories_benches::Peers;
use tokio::process::Command;

use crate::case::Case;
use crate::sink::Sink;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Ours,
    Crt,
    S5cmd,
    Rclone,
}

pub(crate) const PEERS: [Client; 3] = [Client::Crt, Client::S5cmd, Client::Rclone];

impl Client {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Crt => "AWS CRT (awscrt 0.38.1)",
            Self::S5cmd => "s5cmd 2.3.0",
            Self::Rclone => "rclone 1.75.2",
        }
    }

    /// Whether it says on its standard output when it begins: Python and its modules take a while to load, which is
    /// no matter of the client.
    pub(crate) fn says_when(self) -> bool {
        self == Self::Crt
    }

    /// The command that uploads the file to the sink.
    pub(crate) fn command(
        self,
        case: &Case,
        sink: &Sink,
        file: &str,
        certificate: &str,
        peers: &Peers,
    ) -> std::io::Result<Command> {
        let scheme = if case.tls { "https" } else { "http" };
        // A name, as the certificate is for one.
        let address = format!("localhost:{}", sink.address.port());
        let url = format!("{scheme}://{address}");
        let size = (case.mib << 20).to_string();
        let mut command = match self {
            Self::Ours => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["--ours", &url, file]);
                command
            }
            Self::Crt => {
                let mut command = Command::new(peers.python());
                command.arg(Peers::script_path("upload_awscrt.py")).args([
                    scheme,
                    &address,
                    file,
                    &size,
                    certificate,
                ]);
                command
            }
            Self::S5cmd => {
                let mut command = Command::new(peers.package("s5cmd")?.join("bin/s5cmd"));
                command.args(["--endpoint-url", &url, "cp", file, "s3://bench/key"]);
                command
            }
            Self::Rclone => {
                let mut command = Command::new(peers.python().with_file_name("rclone"));
                command.args(["copyto", file, ":s3:bench/key", "--s3-provider=Other", "--s3-env-auth"]);
                command.args(["--s3-no-check-bucket", "--s3-no-head", "--s3-region=us-east-1", "--config="]);
                command.arg(format!("--s3-endpoint={url}")).arg(format!("--ca-cert={certificate}"));
                command
            }
        };
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        command
            .env("AWS_ACCESS_KEY_ID", "AKIABENCHMARK0000000")
            .env("AWS_SECRET_ACCESS_KEY", "benchmark")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("SSL_CERT_FILE", certificate)
            .stdin(Stdio::null())
            .stdout(if self.says_when() { Stdio::piped() } else { Stdio::null() });
        Ok(command)
    }
}
