//! SeaweedFS: a real S3 that no one here wrote.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;
use ec2_stories_s3::{Bucket, BucketSpec, S3};
use tempfile::TempDir;

/// Long enough on a machine that does much else.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// A server that ends with the test, and its folder with it.
pub(crate) struct Seaweed {
    server: Child,
    port: u16,
    directory: TempDir,
}

impl Seaweed {
    pub(crate) async fn start() -> Self {
        let peers = std::env::var_os("EC2_STORIES_PEERS")
            .map(PathBuf::from)
            .expect("EC2_STORIES_PEERS names no folder with weed: run cargo xtask test");
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path();
        std::fs::create_dir(here.join("data")).unwrap();
        std::fs::write(here.join("identities.json"), IDENTITIES).unwrap();
        // Nobody else takes the ports in the moment between. Each is held until all are chosen, so that they differ.
        let held: Vec<TcpListener> = (0..8).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = held.iter().map(|port| port.local_addr().unwrap().port()).collect();
        drop(held);
        let [s3, s3_grpc, filer, filer_grpc, master, master_grpc, volume, volume_grpc] = ports[..] else {
            unreachable!("there are eight");
        };
        let server = Command::new(peers.join("bin/weed"))
            .arg("server")
            .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir=data", "-filer", "-s3"])
            .args(["-master.telemetry=false", "-master.volumeSizeLimitMB=1024", "-volume.max=16"])
            .args(["-volume.preStopSeconds=0", "-s3.config=identities.json"])
            .args(["-s3.allowDeleteBucketNotEmpty=false", "-s3.autoCreateBucket=false"])
            .args(["-s3.port.iceberg=0", "-s3.port.lance=0"])
            .arg(format!("-filer.localSocket={}", here.join("filer.sock").display()))
            .arg(format!("-s3.localSocket={}", here.join("s3.sock").display()))
            .args([format!("-s3.port={s3}"), format!("-s3.port.grpc={s3_grpc}")])
            .args([format!("-filer.port={filer}"), format!("-filer.port.grpc={filer_grpc}")])
            .args([format!("-master.port={master}"), format!("-master.port.grpc={master_grpc}")])
            .args([format!("-volume.port={volume}"), format!("-volume.port.grpc={volume_grpc}")])
            .current_dir(here)
            .env("WEED_S3_SSE_KEY", "a key that encrypts a test's objects")
            .env_remove("AWS_CA_BUNDLE")
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(here.join("log")).unwrap())
            .spawn()
            .expect("weed starts: cargo xtask test installs it");
        let seaweed = Self { server, port: s3, directory };
        seaweed.ready().await;
        seaweed
    }

    /// It is when an object can be stored: its parts start one after another.
    async fn ready(&self) {
        let deadline = tokio::time::Instant::now() + STARTS_WITHIN;
        let bucket = self.s3().bucket("first");
        loop {
            let created =
                self.s3().create_bucket(&BucketSpec::builder().name("first").build().unwrap()).await;
            let stored = match created {
                Ok(_) => bucket.put("first", "first").await.map(drop),
                Err(error) => Err(error),
            };
            let Err(error) = stored else { break };
            if tokio::time::Instant::now() > deadline {
                let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
                panic!("SeaweedFS is not ready after {STARTS_WITHIN:?}: {error:?}\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// A client with every right.
    pub(crate) fn s3(&self) -> S3 {
        S3::from_config(&self.config("AKIATESTER", "tester-secret"))
    }

    /// A configuration with these credentials.
    pub(crate) fn config(&self, key: &str, secret: &str) -> SdkConfig {
        config_of(&at(self.port), key, secret)
    }

    /// A client that reaches it by another port of this machine.
    pub(crate) fn s3_behind(&self, port: u16) -> S3 {
        S3::from_config(&config_of(&at(port), "AKIATESTER", "tester-secret"))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A new bucket.
    pub(crate) async fn bucket(&self, name: &str) -> Bucket {
        let spec = BucketSpec::builder().name(name).build().unwrap();
        self.s3().create_bucket(&spec).await.unwrap().bucket
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn at(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// A configuration for a server there.
pub(crate) fn config_of(url: &str, key: &str, secret: &str) -> SdkConfig {
    let credentials = Credentials::new(key, secret, None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(ec2_stories_core::aws::http_client())
        .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
        .time_source(aws_smithy_async::time::SystemTimeSource::new())
        .build()
}

const IDENTITIES: &str = r#"{ "identities": [
    { "name": "tester",
      "credentials": [{ "accessKey": "AKIATESTER", "secretKey": "tester-secret" }],
      "actions": ["Admin", "Read", "Write", "List", "Tagging"] },
    { "name": "reader",
      "credentials": [{ "accessKey": "AKIAREADER", "secretKey": "reader-secret" }],
      "actions": ["Read", "List"] }
] }"#;
