//! Images: the public ones that every region has, and those that tests add.

use std::collections::BTreeMap;

use super::network::stable_id;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{BlockDeviceMapping, EbsBlockDevice, Image};

/// The images of a region, as they are described.
#[derive(Clone, Debug)]
pub(crate) struct Images(BTreeMap<String, Image>);

/// What tells one image from another; the rest is as a current Linux image has it.
#[derive(Clone, Debug)]
pub(crate) struct NewImage {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) owner: String,
    pub(crate) owner_alias: Option<&'static str>,
    pub(crate) public: bool,
    /// `x86_64` or `arm64`.
    pub(crate) architecture: String,
    pub(crate) root_device: String,
    pub(crate) root_gib: i32,
    /// ISO 8601 with milliseconds, as in a reply.
    pub(crate) created: String,
    pub(crate) deprecated: Option<String>,
}

/// A distribution's series of public images.
struct Series {
    owner: &'static str,
    description: &'static str,
    root_device: &'static str,
    root_gib: i32,
    name: fn(architecture: &str, date: &str) -> String,
}

/// Names, owners and devices are those of the publishers: "Cloud/AmazonEC2Image" in the Debian wiki, "Find Ubuntu
/// images on AWS" in Ubuntu's docs, "AL2023 on Amazon EC2" in Amazon's. Debian says amd64 where EC2 says `x86_64`.
const SERIES: [Series; 3] = [
    Series {
        owner: "136693071363",
        description: "Debian 12 (20)",
        root_device: "/dev/xvda",
        root_gib: 8,
        name: |architecture, date| format!("debian-12-{}-{date}-2000", debian(architecture)),
    },
    Series {
        owner: "099720109477",
        description: "Canonical, Ubuntu, 24.04, noble image",
        root_device: "/dev/sda1",
        root_gib: 8,
        name: |architecture, date| {
            format!("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{}-server-{date}", debian(architecture))
        },
    },
    Series {
        owner: "137112412989",
        description: "Amazon Linux 2023 AMI HVM kernel-6.1",
        root_device: "/dev/xvda",
        root_gib: 8,
        name: |architecture, date| format!("al2023-ami-2023.6.{date}.0-kernel-6.1-{architecture}"),
    },
];

/// When each series was published, with the deprecation that EC2 sets two years later.
const DATES: [(&str, &str, &str); 3] = [
    ("20250115", "2025-01-15T06:14:21.000Z", "2027-01-15T06:14:21.000Z"),
    ("20250610", "2025-06-10T07:02:48.000Z", "2027-06-10T07:02:48.000Z"),
    ("20251103", "2025-11-03T05:37:09.000Z", "2027-11-03T05:37:09.000Z"),
];

fn debian(architecture: &str) -> &str {
    if architecture == "x86_64" { "amd64" } else { architecture }
}

impl Images {
    pub(crate) fn new(region: &str) -> Self {
        let mut images = Self(BTreeMap::new());
        for series in &SERIES {
            for architecture in ["x86_64", "arm64"] {
                for (date, created, deprecated) in DATES {
                    let name = (series.name)(architecture, date);
                    images.insert(NewImage {
                        id: stable_id("ami", &format!("{region} {name}")),
                        name,
                        description: series.description.to_owned(),
                        owner: series.owner.to_owned(),
                        owner_alias: Some("amazon"),
                        public: true,
                        architecture: architecture.to_owned(),
                        root_device: series.root_device.to_owned(),
                        root_gib: series.root_gib,
                        created: created.to_owned(),
                        deprecated: Some(deprecated.to_owned()),
                    });
                }
            }
        }
        images
    }

    pub(crate) fn insert(&mut self, new: NewImage) {
        self.0.insert(new.id.clone(), new.image());
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Image> {
        self.0.values()
    }

    pub(crate) fn get(&self, id: &str) -> Result<&Image, ApiError> {
        if !id.starts_with("ami-") {
            return Err(ApiError::malformed_id("InvalidAMIID.Malformed", id, "ami"));
        }
        self.0.get(id).ok_or_else(|| {
            ApiError::new("InvalidAMIID.NotFound", format!("The image id '[{id}]' does not exist"))
        })
    }
}

impl NewImage {
    fn image(self) -> Image {
        let snapshot = stable_id("snap", &self.id);
        let (boot_mode, location) = (self.boot_mode(), self.location());
        Image {
            image_id: Some(self.id),
            image_location: Some(location),
            image_owner_alias: self.owner_alias.map(str::to_owned),
            owner_id: Some(self.owner),
            name: Some(self.name),
            description: Some(self.description),
            architecture: Some(self.architecture),
            creation_date: Some(self.created),
            deprecation_time: self.deprecated,
            public: Some(self.public),
            block_device_mappings: vec![root_volume(&self.root_device, snapshot, self.root_gib)],
            root_device_name: Some(self.root_device),
            root_device_type: Some("ebs".to_owned()),
            boot_mode: Some(boot_mode.to_owned()),
            ena_support: Some(true),
            hypervisor: Some("xen".to_owned()),
            image_type: Some("machine".to_owned()),
            imds_support: Some("v2.0".to_owned()),
            platform_details: Some("Linux/UNIX".to_owned()),
            sriov_net_support: Some("simple".to_owned()),
            state: Some("available".to_owned()),
            usage_operation: Some("RunInstances".to_owned()),
            virtualization_type: Some("hvm".to_owned()),
            ..Image::default()
        }
    }

    /// Arm has no BIOS. Source: "Instance launch behavior with EC2 boot modes", EC2 user guide.
    fn boot_mode(&self) -> &'static str {
        if self.architecture == "arm64" { "uefi" } else { "uefi-preferred" }
    }

    fn location(&self) -> String {
        format!("{}/{}", self.owner_alias.unwrap_or(&self.owner), self.name)
    }
}

fn root_volume(device: &str, snapshot: String, size: i32) -> BlockDeviceMapping {
    BlockDeviceMapping {
        device_name: Some(device.to_owned()),
        ebs: Some(EbsBlockDevice {
            delete_on_termination: Some(true),
            encrypted: Some(false),
            iops: Some(3000),
            snapshot_id: Some(snapshot),
            throughput: Some(125),
            volume_size: Some(size),
            volume_type: Some("gp3".to_owned()),
            ..EbsBlockDevice::default()
        }),
        ..BlockDeviceMapping::default()
    }
}
