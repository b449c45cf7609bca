//! A description that was made in code can be written as a story and read back.

use std::time::Duration;

use ec2_stories::attributes::Template;
use ec2_stories::model::*;
use ec2_stories::story::{Story, to_toml};

fn everything() -> DeploymentSpec {
    let db = FleetSpec {
        name: "db".parse().unwrap(),
        nodes: 1,
        at_least: None,
        after: vec![],
        image: Image::own("db-?", Architecture::Arm64),
        architecture: Architecture::Arm64,
        instance_types: vec!["t4g.small".into()],
        zones: vec![],
        subnets: vec!["subnet-1".into()],
        public_ip: Some(false),
        market: Market::Spot { max_price: Some("0.02".to_owned()) },
        key: Some(KeyPairSpec::Generated("keys/db.pem".into())),
        login: LoginSpec {
            user: Some("admin".to_owned()),
            address: Some(LoginAddress::Private),
            host_keys: Some(HostKeys::Injected("keys/host".into())),
            ..LoginSpec::default()
        },
        firewall: Some(FirewallPolicy::builder().tcp(5432, Source::Fleet("web".parse().unwrap())).build()),
        security_groups: vec!["sg-2".into()],
        instance_profile: Some("db".to_owned()),
        volumes: vec![Volume::root(20), Volume { iops: Some(3000), ..Volume::at("/dev/sdf", 100) }],
        user_data: Some(UserData::new(Template::literal("echo ${HOME} \"'''\" \\ \t é\n")).gzip()),
        metadata: MetadataOptions { hop_limit: 2, ..MetadataOptions::default() },
        tags: Tags::new().with("a b.c", "\"quoted\""),
        launch_timeout: Duration::from_secs(90),
        expires_after: Some(Expiry::After(Duration::from_secs(5400))),
        health: Health::default(),
    };
    let web = FleetSpec {
        name: "web".parse().unwrap(),
        nodes: 3,
        at_least: Some(2),
        after: vec!["db".parse().unwrap()],
        image: Image::id("ami-1"),
        architecture: Architecture::X86_64,
        zones: vec!["eu-west-1a".into()],
        subnets: vec![],
        market: Market::OnDemand,
        key: Some(KeyPairSpec::Existing("ops".into())),
        firewall: Some(
            FirewallPolicy::builder()
                .tcp(8000..=8100, Source::Cidr("10.0.0.0/8".parse().unwrap()))
                .described("inside")
                .udp(53, Source::Group("sg-9".into()))
                .icmp(Source::MyAddress)
                .rule(Rule {
                    protocol: Protocol::All,
                    ports: None,
                    source: Source::Anywhere,
                    description: None,
                })
                .build(),
        ),
        volumes: vec![],
        expires_after: Some(Expiry::Never),
        user_data: Some(UserData::parts([
            CloudConfig::new().packages(["nginx"]).set("timezone", "UTC").unwrap().into(),
            ShellScript::new(Template::new("db=${db/0.private_ip} $${HOME}").unwrap()).into(),
        ])),
        ..db.clone()
    };
    DeploymentSpec {
        name: "shop".parse().unwrap(),
        mode: Mode::Production,
        limits: Limits { nodes: 9, launches_per_hour: 20, launches: 100 },
        tags: Tags::new().with("team", "shop"),
        fleets: vec![db, web],
    }
}

#[test]
fn what_is_written_is_read_back_equal() {
    let spec = everything();
    let text = to_toml(&spec).unwrap();
    let story = Story::parse(text.clone()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(story.spec(), &spec, "{text}");
}

#[test]
fn what_is_written_is_short() {
    let mut spec = everything();
    spec.fleets[0].image = Image::file("/srv/web.raw");
    let text = to_toml(&spec).unwrap();
    assert_eq!(Story::parse(text.clone()).unwrap().spec(), &spec, "{text}");
    assert!(text.contains("file = \"/srv/web.raw\""), "{text}");
    for line in ["image = \"ami-1\"", "from = \"fleet:web\"", "tcp = \"8000-8100\"", "icmp = true"] {
        assert!(text.contains(line), "{line} is missing:\n{text}");
    }
}
