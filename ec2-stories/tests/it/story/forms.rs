//! The short forms mean what the docs say.

use ec2_stories::attributes::Template;
use ec2_stories::image::BootMode;
use ec2_stories::model::{
    CloudConfig, FirewallPolicy, Image, KeyPairSpec, Market, PortRange, Protocol, Rule, SecurityGroupId,
    ShellScript, Source, UserData,
};
use ec2_stories::story::{AccountSource, Story};

use super::with;

fn fleet(lines: &str) -> ec2_stories::model::FleetSpec {
    with(lines).unwrap_or_else(|error| panic!("{error}")).spec().fleets[0].clone()
}

#[test]
fn the_documented_example_is_a_story() {
    let story = Story::parse(include_str!("../../../src/story/example.toml"))
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(story.spec().fleets.len(), 2);
    let account = story.account().unwrap();
    assert_eq!((account.provider, account.region.as_deref()), (AccountSource::Profile, Some("eu-west-1")));
    assert_eq!(story.place("fleet.web.nodes"), Some((19, 9)));
    assert_eq!(story.place("fleet.web.firewall.rules[1].ports"), Some((26, 11)));
    assert_eq!(story.place("fleet.web.zones"), story.place("fleet.web"));
}

#[test]
fn images_and_markets() {
    assert_eq!(fleet("image = \"ami-1\"").image, Image::id("ami-1"));
    assert_eq!(fleet("image = { id = \"ami-1\" }").image, Image::id("ami-1"));
    assert_eq!(fleet("image = { public = \"debian-12\" }").image, Image::public("debian-12"));
    assert_eq!(fleet("image = { file = \"web.raw\" }").image, Image::file("web.raw"));
    assert_eq!(fleet("image = { file = \"w.raw\" }").image, Image::file("w.raw"));
    let described = "image = { file = { path = \"web.raw\", name = \"web-7\", boot_mode = \"uefi\" } }";
    let Image::File(described) = fleet(described).image else { panic!("is no file") };
    assert_eq!((described.name.as_deref(), described.boot_mode), (Some("web-7"), Some(BootMode::Uefi)));
    assert_eq!(fleet("market = \"spot\"").market, Market::Spot { max_price: None });
    assert_eq!(fleet("market = \"on_demand\"").market, Market::OnDemand);
    assert_eq!(
        fleet("market = { spot = { max_price = \"0.01\" } }").market,
        Market::Spot { max_price: Some("0.01".to_owned()) }
    );
}

#[test]
fn firewall_rules() {
    let policy = fleet(
        "firewall = [{ tcp = 443, from = 'anywhere' }, { udp = '8000-8100', from = '10.0.0.0/8', description = 'x' },\n\
         { icmp = true, from = 'my-address' }, { all = true, from = 'fleet:web' }, { tcp = '22', from = 'sg-1' },\n\
         { tcp = 53, from = '2001:db8::/32' }]",
    );
    let rule =
        |protocol, ports: Option<PortRange>, source| Rule { protocol, ports, source, description: None };
    let cidr = |net: &str| Source::Cidr(net.parse().unwrap());
    let mut expected = vec![
        rule(Protocol::Tcp, Some(443.into()), Source::Anywhere),
        rule(Protocol::Udp, Some((8000..=8100).into()), cidr("10.0.0.0/8")),
        rule(Protocol::Icmp, None, Source::MyAddress),
        rule(Protocol::All, None, Source::Fleet("web".parse().unwrap())),
        rule(Protocol::Tcp, Some(22.into()), Source::Group(SecurityGroupId::new("sg-1"))),
        rule(Protocol::Tcp, Some(53.into()), cidr("2001:db8::/32")),
    ];
    expected[1].description = Some("x".to_owned());
    assert_eq!(policy.firewall, Some(FirewallPolicy { rules: expected }));
}

#[test]
fn files_are_found_beside_the_story() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("boot.sh", "#!/bin/sh\necho ${HOME}\n");
    write("id.pub", "ssh-ed25519 AAAA me\n");
    write(
        "shop.toml",
        "name = 'shop'\n[account]\nprovider = 'secret-file'\npath = 'keys.toml'\n\
         [[fleet]]\nname = 'web'\nnodes = 1\nimage = 'ami-1'\n\
         user_data = { file = 'boot.sh', literal = true, gzip = true }\nkey = { public_key_file = 'id.pub' }\n\
         [[fleet]]\nname = 'db'\nnodes = 1\nimage = 'ami-1'\nkey = { generated = 'db.pem' }\n",
    );
    let story = Story::open(folder.path().join("shop.toml")).unwrap_or_else(|error| panic!("{error}"));
    let [web, db] = story.spec().fleets.as_slice() else { panic!("two fleets") };
    let user_data = web.user_data.clone().unwrap();
    assert_eq!(
        (user_data.text().unwrap().to_string().as_str(), user_data.is_gzip()),
        ("#!/bin/sh\necho $${HOME}\n", true)
    );
    assert_eq!(web.key, Some(KeyPairSpec::PublicKey("ssh-ed25519 AAAA me".to_owned())));
    assert_eq!(db.key, Some(KeyPairSpec::Generated(folder.path().join("db.pem"))));
    assert_eq!(story.account().unwrap().path, Some(folder.path().join("keys.toml")));
}

#[test]
fn user_data_is_written_in_cloud_inits_words() {
    let web = fleet(
        "user_data = { gzip = true, parts = [ { cloud_config = { packages = ['nginx'] } }, { script = 'true' } ] }",
    );
    let config = CloudConfig::new().set("packages", ["nginx"]).unwrap();
    let script = ShellScript::new(Template::new("true").unwrap());
    assert_eq!(web.user_data, Some(UserData::parts([config.into(), script.into()]).gzip()));
}

#[test]
fn a_private_key_is_not_taken_for_a_public_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("id");
    std::fs::write(&path, "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n").unwrap();
    let error = with(&format!("key = {{ public_key_file = '{}' }}", path.display())).unwrap_err();
    assert!(error.message().contains("private key") && !error.to_string().contains("hunter2"), "{error}");
}
