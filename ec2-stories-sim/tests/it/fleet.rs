//! Launch templates and instant fleets.

use ec2_stories_sim::Sim;

use crate::form::{call, image, until_running};

async fn template(sim: &Sim) {
    let image = image(sim, "x86_64").await;
    let fields = [
        ("LaunchTemplateName", "web"),
        ("LaunchTemplateData.ImageId", image.as_str()),
        ("LaunchTemplateData.InstanceType", "m5.large"),
        ("LaunchTemplateData.TagSpecification.1.ResourceType", "instance"),
        ("LaunchTemplateData.TagSpecification.1.Tag.1.Key", "fleet"),
        ("LaunchTemplateData.TagSpecification.1.Tag.1.Value", "web"),
    ];
    call(sim, "CreateLaunchTemplate", &fields).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_template_fills_in_what_the_launch_leaves_out() {
    let sim = Sim::builder().build();
    template(&sim).await;
    let by_template = [("LaunchTemplate.LaunchTemplateName", "web"), ("MinCount", "1"), ("MaxCount", "1")];
    let launched = call(&sim, "RunInstances", &by_template).await.ok();
    assert_eq!(launched.one("instanceType"), "m5.large");
    assert_eq!(sim.running()[0].tags["fleet"], "web");
    let other = [&by_template[..], &[("InstanceType", "t3.small")]].concat();
    assert_eq!(call(&sim, "RunInstances", &other).await.ok().one("instanceType"), "t3.small");
}

#[tokio::test(start_paused = true)]
async fn an_instant_fleet_tries_its_pools_in_order_and_reports_what_failed() {
    let sim = Sim::builder().build();
    template(&sim).await;
    sim.set_capacity("m5.large", "us-east-1a", 0);
    sim.set_capacity("m5.large", "us-east-1b", 2);
    let fields = [
        ("Type", "instant"),
        ("ClientToken", "fleet-1"),
        ("TargetCapacitySpecification.TotalTargetCapacity", "3"),
        ("LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName", "web"),
        ("LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version", "$Latest"),
        ("LaunchTemplateConfigs.1.Overrides.1.AvailabilityZone", "us-east-1a"),
        ("LaunchTemplateConfigs.1.Overrides.2.AvailabilityZone", "us-east-1b"),
        ("LaunchTemplateConfigs.1.Overrides.3.AvailabilityZone", "us-east-1c"),
    ];
    let created = call(&sim, "CreateFleet", &fields).await.ok();
    assert_eq!(created.all("errorCode"), ["InsufficientInstanceCapacity"]);
    assert_eq!(created.inside("instanceIds", "item").len(), 3);
    assert_eq!(call(&sim, "CreateFleet", &fields).await.ok().one("fleetId"), created.one("fleetId"));
    assert_eq!(sim.running().len(), 3);
    until_running().await;
    let delete = [("FleetId.1", created.one("fleetId")), ("TerminateInstances", "true".to_owned())];
    let delete: Vec<_> = delete.iter().map(|(name, value)| (*name, value.as_str())).collect();
    call(&sim, "DeleteFleets", &delete).await.ok();
    call(&sim, "DeleteLaunchTemplate", &[("LaunchTemplateName", "web")]).await.ok();
    sim.assert_clean();
}
