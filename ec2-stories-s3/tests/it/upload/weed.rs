//! A SeaweedFS of a test's own.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) const KEY: &str = "AKIASEAWEED000000000";
pub(crate) const SECRET: &str = "seaweed";

/// A server on loopback ports that were free, with a folder of its own. It ends when this is dropped.
pub(crate) struct Weed {
    process: Child,
    _folder: tempfile::TempDir,
    endpoint: String,
}

impl Weed {
    pub(crate) async fn start() -> Self {
        let peers = std::env::var_os("EC2_STORIES_PEERS").expect("EC2_STORIES_PEERS names the peers' folder");
        let folder = tempfile::tempdir().unwrap();
        let identity = serde_json::json!({"identities": [{
            "name": "test", "actions": ["Admin"],
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        }]});
        let config = folder.path().join("s3.json");
        std::fs::write(&config, identity.to_string()).unwrap();
        let ports = free_ports::<8>();
        let [master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc] = ports;
        let process = Command::new(PathBuf::from(peers).join("bin/weed"))
            .args([
                "server",
                "-filer",
                "-s3",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-master.telemetry=false",
            ])
            .args([
                "-master.volumeSizeLimitMB=1024",
                "-volume.max=100",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
            ])
            .arg(format!("-dir={}", folder.path().display()))
            .arg(format!("-s3.config={}", config.display()))
            .arg(format!("-master.port={master}"))
            .arg(format!("-master.port.grpc={master_grpc}"))
            .arg(format!("-volume.port={volume}"))
            .arg(format!("-volume.port.grpc={volume_grpc}"))
            .arg(format!("-filer.port={filer}"))
            .arg(format!("-filer.port.grpc={filer_grpc}"))
            .arg(format!("-s3.port={s3}"))
            .arg(format!("-s3.port.grpc={s3_grpc}"))
            .env_remove("AWS_CA_BUNDLE")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("weed is among the peers");
        let weed = Self { process, _folder: folder, endpoint: format!("http://127.0.0.1:{s3}") };
        weed.answers(s3).await;
        weed
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// It is ready when a bucket can be made.
    async fn answers(&self, port: u16) {
        let client = super::world::client(&self.endpoint);
        for _ in 0..600 {
            let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
            if connected && client.create_bucket().bucket("ready").send().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("SeaweedFS did not start within a minute");
    }
}

impl Drop for Weed {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
