//! What a description must keep to: every error names the field.

use ec2_stories_core::attributes::Template;
use ec2_stories_core::deployment::DeploymentBuilder;
use ec2_stories_core::model::{
    FirewallPolicy, Image, Limits, MetadataOptions, PortRange, Source, Tags, UserData, Volume,
};
use ec2_stories_core::{Deployment, Error, Fleet, MemoryStore, Result};

use super::world::{World, debian};

fn field(outcome: Result<impl std::fmt::Debug>) -> String {
    let error: Error = outcome.unwrap_err();
    error.resource().unwrap_or_else(|| panic!("{error} names no field")).to_owned()
}

fn shop(fleets: impl IntoIterator<Item = Fleet>) -> Result<Deployment> {
    let world = World::new();
    let builder = Deployment::builder().name("shop").cloud(world.cloud).journal(MemoryStore::new());
    fleets.into_iter().fold(builder, DeploymentBuilder::fleet).build()
}

fn data(text: &str) -> UserData {
    Template::new(text).unwrap().into()
}

#[tokio::test]
async fn a_fleets_own_fields_are_checked() {
    let web = || debian("web", 3);
    assert_eq!(field(debian("Web", 3).build()), "fleet.name");
    assert_eq!(field(debian("web", 0).build()), "fleet.web.nodes");
    assert_eq!(field(web().at_least(4).build()), "fleet.web.at_least");
    assert_eq!(field(web().after("d b").build()), "fleet.web.after");
    assert_eq!(field(web().instance_types([""; 0]).build()), "fleet.web.instance_types");
    assert_eq!(field(web().zones(["a"]).subnets(["s"]).build()), "fleet.web.subnets");
    let far = MetadataOptions { hop_limit: 65, ..MetadataOptions::default() };
    assert_eq!(field(web().metadata(far).build()), "fleet.web.metadata.hop_limit");
    let two = [Volume::root(8), Volume::root(9)];
    assert_eq!(field(web().volumes(two).build()), "fleet.web.volumes[1].device");
    assert_eq!(field(web().tags(Tags::new().with("aws:x", "y")).build()), "fleet.web.tags.aws:x");
    let upside_down = FirewallPolicy::builder().tcp(PortRange { from: 90, to: 80 }, Source::Anywhere).build();
    assert_eq!(field(web().firewall(upside_down).build()), "fleet.web.firewall.rules[0].ports");
    assert_eq!(field(web().user_data(data("I am ${index}")).build()), "fleet.web.user_data");
    let unknown = Fleet::builder().name("web").nodes(1).image(Image::public("windows-95")).build();
    assert_eq!(field(unknown), "fleet.web.image");
}

#[tokio::test]
async fn fleets_are_checked_against_each_other() {
    let web = || debian("web", 2);
    let db = || debian("db", 1).build().unwrap();
    assert_eq!(field(shop([db(), db()])), "fleet.db");
    assert_eq!(field(shop([web().after("db").build().unwrap()])), "fleet.web.after");
    let circle = [web().after("db").build().unwrap(), debian("db", 1).after("web").build().unwrap()];
    assert_eq!(field(shop(circle)), "fleet.web.after");
    let open = FirewallPolicy::builder().tcp(80, Source::Fleet("lb".parse().unwrap())).build();
    assert_eq!(field(shop([web().firewall(open).build().unwrap()])), "fleet.web.firewall.rules[0].source");
    let refers = |text: &str| shop([db(), web().after("db").user_data(data(text)).build().unwrap()]);
    assert!(refers("${db/0.private_ip} of ${fleet} in ${deployment}").is_ok());
    assert_eq!(field(refers("${db/1.private_ip}")), "fleet.web.user_data");
    assert_eq!(field(refers("${lb/0.private_ip}")), "fleet.web.user_data");
    assert_eq!(field(refers("${db/0.privateip}")), "fleet.web.user_data");
    let own = web().user_data(data("${web/1.private_ip}")).build().unwrap();
    assert_eq!(field(shop([own])), "fleet.web.user_data");
    assert_eq!(field(shop([])), "fleet");
    let early = web().user_data(data("${db/0.private_ip}")).build().unwrap();
    assert_eq!(field(shop([db(), early])), "fleet.web.user_data");
    let builder = Deployment::builder().name("Shop!").cloud(World::new().cloud).journal(MemoryStore::new());
    assert_eq!(field(builder.build()), "name");
    let builder = Deployment::builder().name("shop").cloud(World::new().cloud).journal(MemoryStore::new());
    let few = Limits { nodes: 2, ..Limits::default() };
    let builder = builder.limits(few).fleet(db()).fleet(web().build().unwrap());
    assert_eq!(field(builder.build()), "limits.nodes");
}

#[test]
fn a_builder_without_a_required_field_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
