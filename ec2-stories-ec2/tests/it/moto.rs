//! moto's server: another EC2 that no one here wrote.
//!
//! It knows no boot times, faults or idempotence; what it checks is that what we say is EC2's language.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::region::Region;
use ec2_stories_core::model::{
    Architecture, FirewallPolicy, Image, InstanceState, KeyPairSpec, LaunchRequest, OwnedBy, Source, Volume,
};
use ec2_stories_core::provider::{Firewall, Goal, ImageRegistry, InstanceDeployer, KeyPairs};
use ec2_stories_ec2::Ec2;

use crate::support::{ids, name, request, within};

const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILuIvnBgnOpKaE0Fw5gCC3uEmIy7VSYPkhaymwsNRi+A test";

/// A server that ends with the test.
struct Moto {
    server: Child,
    port: u16,
}

impl Moto {
    fn start() -> Self {
        let peers = std::env::var_os("EC2_STORIES_PEERS")
            .map(PathBuf::from)
            .expect("EC2_STORIES_PEERS names no folder with moto_server: run cargo xtask test");
        // Nobody else takes the port in the moment between.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new(peers.join("bin/moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env_remove("AWS_CA_BUNDLE")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto_server starts: cargo xtask test installs it");
        Self { server, port }
    }

    async fn ready(&self) {
        for _ in 0..300 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto_server did not listen within 30 s");
    }

    fn ec2(&self) -> Ec2 {
        let credentials = Credentials::new("AKIAMOTO", "moto", None, None, "test");
        let config = aws_types::SdkConfig::builder()
            .behavior_version(aws_sdk_ec2::config::BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(format!("http://127.0.0.1:{}", self.port))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(ec2_stories_core::aws::http_client())
            .build();
        Ec2::from_config(&config)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[tokio::test]
async fn a_fleet_on_moto_from_image_to_nothing_left() {
    let moto = Moto::start();
    moto.ready().await;
    let ec2 = moto.ec2();
    let shop = name("shop");

    let image = any_image(&ec2).await;
    let key = KeyPairSpec::PublicKey(PUBLIC_KEY.to_owned());
    let key = ec2.ensure_key(&shop, &name("web"), &key).await.unwrap();
    let policy = FirewallPolicy::builder()
        .tcp(443, Source::Anywhere)
        .described("shop")
        .tcp(22, Source::Cidr("10.0.0.0/8".parse().unwrap()))
        .tcp(9000..=9010, Source::Fleet(name("web")))
        .build();
    let group = ec2.converge(&shop, &name("web"), None, &policy).await.unwrap();
    assert_eq!(ec2.converge(&shop, &name("web"), None, &policy).await.unwrap(), group);
    let calls = ec2.calls();
    assert_eq!(calls.get("AuthorizeSecurityGroupIngress"), Some(&1), "{calls:?}");
    let less = FirewallPolicy::builder().tcp(443, Source::Anywhere).described("the shop").build();
    ec2.converge(&shop, &name("web"), None, &less).await.unwrap();

    let request = LaunchRequest {
        key: Some(key.name),
        security_groups: vec![group],
        user_data: Some(b"#!/bin/sh\n".to_vec()),
        // EC2 takes the root volume's size from the image where none is given; moto does not.
        volumes: vec![Volume::root(30)],
        ..request(&image, "moto-1", 3)
    };
    let launch = ec2.launch(&request).await.unwrap();
    assert_eq!(launch.instances.len(), 3);
    for id in ids(&launch.instances) {
        let running = ec2.wait(&id, Goal::Running, within(60)).await.unwrap();
        assert_eq!(running.ownership().unwrap(), request.ownership);
    }
    assert_eq!(InstanceDeployer::find(&ec2, &OwnedBy::deployment(&shop)).await.unwrap().len(), 3);
    let mut asked = ids(&launch.instances);
    asked.push("i-0123456789abcdef0".into());
    assert_eq!(ec2.describe(&asked).await.unwrap().len(), 3);

    let seen = ec2.health(&asked).await.unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|health| health.state == InstanceState::Running && health.notices.is_empty()));
    let until = "2100-01-01T00:00:00Z".parse().unwrap();
    ec2.extend(&asked, until).await.unwrap();
    let extended = ec2.describe(&asked).await.unwrap();
    assert!(extended.iter().all(|instance| instance.ownership().unwrap().expires == Some(until)));

    let outcomes = ec2.terminate(&asked).await.unwrap();
    assert!(outcomes.iter().all(|termination| termination.outcome.is_ok()), "{outcomes:?}");
    for id in ids(&launch.instances) {
        let ended = ec2.wait(&id, Goal::Terminated, within(60)).await.unwrap();
        assert_eq!(ended.state, InstanceState::Terminated);
    }
    assert_eq!(ec2.remove_groups(&shop).await.unwrap().len(), 1);
    assert_eq!(ec2.remove_keys(&shop).await.unwrap().len(), 1);
    assert!(ec2.remove_groups(&shop).await.unwrap().is_empty());
    assert!(ec2.remove_keys(&shop).await.unwrap().is_empty());
}

/// moto has a list of images of its own.
async fn any_image(ec2: &Ec2) -> ec2_stories_core::model::RegisteredImage {
    for name in Image::public_names() {
        let query = Image::public_query(name, Architecture::X86_64).unwrap();
        if let Some(image) = ec2.find_image(&query).await.unwrap() {
            return image;
        }
    }
    let amazon = ec2_stories_core::model::ImageQuery {
        owner: ec2_stories_core::model::Owner("amazon".to_owned()),
        name: "*".to_owned(),
        architecture: Architecture::X86_64,
    };
    ec2.find_image(&amazon).await.unwrap().expect("moto has images of Amazon's")
}
