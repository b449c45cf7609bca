use std::time::Duration;

use ec2_stories_core::Result;
use ec2_stories_core::conformance::{
    self, FirewallFixture, ImageChanges, ImageRegistryFixture, InstanceDeployerFixture, KeyPairsFixture,
};
use ec2_stories_core::memory::{MemoryCloud, Operation};
use ec2_stories_core::model::{
    ClientToken, Diagnosis, Image, Instance as Machine, InstanceId, Launch, LaunchRequest, OwnedBy,
};
use ec2_stories_core::provider::{Finding, Goal, ImageFormat, InstanceDeployer, Termination, UploadedImage};
use tokio::time::Instant;

use crate::support::request;

#[tokio::test(start_paused = true)]
async fn memory_cloud_deploys_instances() {
    let cloud = MemoryCloud::new();
    cloud.settle_time(Duration::from_secs(10));
    for zone in ["eu-west-1a", "eu-west-1b", "eu-west-1c"] {
        cloud.capacity("m5.large", zone, 0);
        cloud.capacity("c5.large", zone, 2);
    }
    let template = request(&cloud, "template", 5).await;
    let of_type = |name: &str| LaunchRequest { instance_type: name.into(), ..template.clone() };
    let fixture = InstanceDeployerFixture {
        without_room: Some(of_type("m5.large")),
        with_room_for_some: Some(of_type("c5.large")),
        ..InstanceDeployerFixture::new(template.clone())
    };
    conformance::instance_deployer(&cloud, &fixture).await;
    assert!(cloud.leaks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn memory_cloud_is_a_firewall() {
    let cloud = MemoryCloud::new();
    let rules = async |group: &_| {
        let rules = cloud.rules(group)?;
        Some(rules.iter().map(|rule| format!("{rule:?}")).collect())
    };
    conformance::firewall(&cloud, &FirewallFixture::default(), rules).await;
    assert!(cloud.leaks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn memory_cloud_keeps_key_pairs() {
    let cloud = MemoryCloud::new();
    cloud.add_key("team");
    conformance::key_pairs(&cloud, &KeyPairsFixture { existing: Some("team".into()) }).await;
    assert!(cloud.leaks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn memory_cloud_registers_images() {
    let uploaded = |content: &str| UploadedImage {
        location: format!("memory://{content}"),
        content_hash: content.to_owned(),
        format: ImageFormat::Raw,
        bytes: 1,
        virtual_bytes: 1024,
    };
    let fixture = ImageRegistryFixture {
        public: Image::public_query("debian-12", Default::default()).unwrap(),
        changes: Some(ImageChanges {
            uploaded: uploaded("one"),
            other: uploaded("two"),
            account: "210987654321".to_owned(),
            region: "us-east-1".into(),
            encryption: ec2_stories_core::image::Encryption::default(),
        }),
    };
    conformance::image_registry(&MemoryCloud::new(), &fixture).await;
}

/// A cloud that launches anew whatever token it is given.
#[derive(Debug)]
struct Forgetful(MemoryCloud);

#[async_trait::async_trait]
impl InstanceDeployer for Forgetful {
    async fn launch(&self, request: &LaunchRequest) -> Result<Launch> {
        let launches = self.0.script().count(Operation::Launch);
        let token = ClientToken::new(format!("{}{launches}", request.token));
        self.0.launch(&LaunchRequest { token, ..request.clone() }).await
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Machine>> {
        self.0.describe(ids).await
    }

    async fn find(&self, owned: &OwnedBy) -> Result<Vec<Machine>> {
        InstanceDeployer::find(&self.0, owned).await
    }

    async fn wait(&self, id: &InstanceId, goal: Goal, deadline: Instant) -> Result<Machine> {
        self.0.wait(id, goal, deadline).await
    }

    async fn terminate(&self, ids: &[InstanceId]) -> Result<Vec<Termination>> {
        self.0.terminate(ids).await
    }

    async fn preflight(&self, request: &LaunchRequest, field: &str) -> Result<Vec<Finding>> {
        self.0.preflight(request, field).await
    }

    async fn diagnose(&self, id: &InstanceId) -> Diagnosis {
        self.0.diagnose(id).await
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(
    expected = "contract broken: the same request again returns the same instances and launches nothing"
)]
async fn a_cloud_that_forgets_tokens_is_found_out() {
    let cloud = MemoryCloud::new();
    let fixture = InstanceDeployerFixture::new(request(&cloud, "template", 1).await);
    conformance::instance_deployer(&Forgetful(cloud), &fixture).await;
}
