//! Instance types and where they are offered.

use ec2_stories_sim::Sim;

use crate::form::{call, launch};

#[tokio::test(start_paused = true)]
async fn a_type_is_described_and_an_unknown_one_refused() {
    let sim = Sim::builder().build();
    let arm = call(&sim, "DescribeInstanceTypes", &[("InstanceType.1", "m7g.large")]).await.ok();
    assert_eq!((arm.one("defaultVCpus"), arm.one("sizeInMiB")), ("2".into(), "8192".into()));
    assert_eq!(arm.inside("supportedArchitectures", "item"), ["arm64"]);
    assert_eq!(
        call(&sim, "DescribeInstanceTypes", &[("InstanceType.1", "x9.huge")]).await.code(),
        "InvalidInstanceType"
    );
}

#[tokio::test(start_paused = true)]
async fn offerings_know_what_a_zone_lacks() {
    let sim = Sim::builder().build();
    sim.set_unsupported("t3.micro", "us-east-1b");
    let fields = [
        ("LocationType", "availability-zone"),
        ("Filter.1.Name", "instance-type"),
        ("Filter.1.Value.1", "t3.micro"),
    ];
    let offered = call(&sim, "DescribeInstanceTypeOfferings", &fields).await.ok();
    assert_eq!(offered.all("location"), ["us-east-1a", "us-east-1c"]);
}

#[tokio::test(start_paused = true)]
async fn type_and_image_must_have_one_architecture() {
    let sim = Sim::builder().build();
    let arm = crate::form::image(&sim, "arm64").await;
    let fields =
        [("ImageId", arm.as_str()), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
    let refused = call(&sim, "RunInstances", &fields).await;
    assert!(refused.one("Message").starts_with(
        "The architecture 'x86_64' of the specified instance type does not match the architecture 'arm64'"
    ));
    let none = [("ImageId", arm.as_str()), ("MinCount", "1"), ("MaxCount", "1")];
    assert!(call(&sim, "RunInstances", &none).await.one("Message").ends_with(": m1.small."));
    assert_eq!(launch(&sim, "0", &[]).await.code(), "InvalidParameterValue");
}
