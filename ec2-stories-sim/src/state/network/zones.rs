//! Regions and their zones.

/// An availability zone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Zone {
    pub(crate) name: String,
    pub(crate) id: String,
}

/// What every account has without opting in.
///
/// Source: "AWS Regions", AWS Regions and Availability Zones guide.
pub(crate) const ENABLED: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Regions that an account must opt in to; a new one has not.
pub(crate) const OPT_IN: [&str; 12] = [
    "af-south-1",
    "ap-east-1",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
];

/// Three zones, `a` to `c`.
pub(crate) fn of(region: &str) -> Vec<Zone> {
    let short = short_name(region);
    let zone =
        |(letter, number)| Zone { name: format!("{region}{letter}"), id: format!("{short}-az{number}") };
    [('a', 1), ('b', 2), ('c', 3)].map(zone).into()
}

/// `euw1` of `eu-west-1`, as zone ids have it.
fn short_name(region: &str) -> String {
    let part = |part: &str| match part {
        "northeast" | "northwest" | "southeast" | "southwest" => format!("{}{}", &part[..1], &part[5..6]),
        "north" | "south" | "east" | "west" | "central" | "gov" => part[..1].to_owned(),
        part => part.to_owned(),
    };
    region.split('-').map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_ids_follow_their_region() {
        for (region, id) in [
            ("us-east-1", "use1-az1"),
            ("eu-central-1", "euc1-az1"),
            ("ap-southeast-2", "apse2-az1"),
            ("us-gov-west-1", "usgw1-az1"),
        ] {
            assert_eq!(of(region)[0], Zone { name: format!("{region}a"), id: id.to_owned() });
        }
    }
}
