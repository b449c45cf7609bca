//! The public images that every region has.

use super::NewImage;
use crate::state::network::stable_id;

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

/// Every public image of a region.
pub(super) fn of(region: &str) -> Vec<NewImage> {
    let mut images = Vec::new();
    for series in &SERIES {
        for architecture in ["x86_64", "arm64"] {
            for (date, created, deprecated) in DATES {
                let name = (series.name)(architecture, date);
                images.push(NewImage {
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
