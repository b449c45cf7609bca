//! Which services and operations the simulation speaks.

pub(super) struct Service {
    /// Below botocore's `data` folder.
    pub(super) model: &'static str,
    pub(super) file: &'static str,
    /// The variant of the simulation's `wire::Protocol`.
    pub(super) protocol: &'static str,
    pub(super) operations: &'static [&'static str],
}

pub(super) const SERVICES: [Service; 2] = [
    Service { model: "ec2/2016-11-15/service-2.json.gz", file: "ec2.rs", protocol: "Ec2", operations: EC2 },
    Service {
        model: "sts/2011-06-15/service-2.json.gz",
        file: "sts.rs",
        protocol: "Sts",
        operations: &["AssumeRole", "GetCallerIdentity"],
    },
];

impl Service {
    /// In the protocol `ec2` an input name starts with a capital and a list has no `.member` level.
    pub(super) fn is_ec2(&self) -> bool {
        self.protocol == "Ec2"
    }
}

const EC2: &[&str] = &[
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "CancelSpotInstanceRequests",
    "CreateFleet",
    "CreateKeyPair",
    "CreateLaunchTemplate",
    "CreateSecurityGroup",
    "CreateTags",
    "DeleteFleets",
    "DeleteKeyPair",
    "DeleteLaunchTemplate",
    "DeleteSecurityGroup",
    "DeleteTags",
    "DeleteVolume",
    "DescribeAvailabilityZones",
    "DescribeFleets",
    "DescribeImages",
    "DescribeInstanceAttribute",
    "DescribeInstanceStatus",
    "DescribeInstanceTypeOfferings",
    "DescribeInstanceTypes",
    "DescribeInstances",
    "DescribeKeyPairs",
    "DescribeLaunchTemplateVersions",
    "DescribeLaunchTemplates",
    "DescribeNetworkInterfaces",
    "DescribeRegions",
    "DescribeSecurityGroupRules",
    "DescribeSecurityGroups",
    "DescribeSpotInstanceRequests",
    "DescribeSubnets",
    "DescribeTags",
    "DescribeVolumes",
    "DescribeVpcs",
    "GetConsoleOutput",
    "ImportKeyPair",
    "ModifyInstanceAttribute",
    "ModifyInstanceMetadataOptions",
    "RebootInstances",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "RunInstances",
    "StartInstances",
    "StopInstances",
    "TerminateInstances",
    "UpdateSecurityGroupRuleDescriptionsEgress",
    "UpdateSecurityGroupRuleDescriptionsIngress",
];
