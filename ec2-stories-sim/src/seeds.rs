//! What a test puts into the cloud before it starts: images and networks.

use bon::Builder;
use ipnet::Ipv4Net;

use crate::sim::Sim;
use crate::state::images::NewImage;
use crate::state::network::stable_id;

/// An image of the simulated account's own, such as a deployment registered earlier.
///
/// ```
/// # use ec2_stories_sim::{ImageSeed, Sim};
/// let sim = Sim::builder().build();
/// let ami = sim.add_image(ImageSeed::builder().name("web-7").architecture("arm64").build());
/// assert!(ami.starts_with("ami-"));
/// ```
#[derive(Clone, Debug, Builder)]
#[non_exhaustive]
pub struct ImageSeed {
    /// Its name.
    #[builder(into)]
    pub name: String,
    /// `x86_64`, unless said otherwise, or `arm64`.
    #[builder(default = "x86_64".to_owned(), into)]
    pub architecture: String,
    /// The region that has it; the home region, unless said otherwise.
    #[builder(into)]
    pub region: Option<String>,
    /// The account that owns it; the simulated one, unless said otherwise.
    #[builder(into)]
    pub owner: Option<String>,
    /// Whether everyone may launch it.
    #[builder(default)]
    pub public: bool,
    /// The size of its root volume.
    #[builder(default = 8)]
    pub root_gib: i32,
}

impl Sim {
    /// Adds an available image and returns its id, which depends on its name, architecture and region only.
    pub fn add_image(&self, seed: ImageSeed) -> String {
        let now = self.now();
        let mut world = self.world();
        let region = seed.region.unwrap_or_else(|| world.home().to_owned());
        let owner = seed.owner.unwrap_or_else(|| world.account().to_owned());
        let id = stable_id("ami", &format!("{region} {owner} {} {}", seed.name, seed.architecture));
        let new = NewImage {
            id: id.clone(),
            name: seed.name,
            description: String::new(),
            owner,
            owner_alias: None,
            public: seed.public,
            architecture: seed.architecture,
            root_device: "/dev/xvda".to_owned(),
            root_gib: seed.root_gib,
            created: now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            deprecated: None,
        };
        world.cloud(&region, now).seed_image(new, now);
        id
    }

    /// Adds a VPC beside the default one, without subnets, and returns its id.
    pub fn add_vpc(&self, region: &str, cidr: Ipv4Net) -> String {
        let now = self.now();
        self.world().cloud(region, now).network.add_vpc(cidr)
    }

    /// Adds a subnet to a VPC of the zone's region and returns its id. Nothing where there is no such VPC or zone.
    pub fn add_subnet(&self, vpc_id: &str, zone: &str, cidr: Ipv4Net) -> Option<String> {
        self.in_zone(zone, |cloud| cloud.network.add_subnet(vpc_id, zone, cidr).ok())
    }
}
