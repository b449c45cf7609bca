//! Images that are there before a test begins.

use crate::state::network::stable_id;
use crate::wire::generated::ec2::{BlockDeviceMapping, EbsBlockDevice, Image};

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

impl NewImage {
    pub(super) fn image(self) -> Image {
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
