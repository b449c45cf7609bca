//! Which services and operations the simulation speaks.

pub(super) struct Service {
    /// Below botocore's `data` folder.
    pub(super) model: &'static str,
    pub(super) file: &'static str,
    /// The variant of the simulation's `wire::Protocol`.
    pub(super) protocol: &'static str,
    pub(super) operations: &'static [&'static str],
    /// Structures that one is made from the other by the names of their members, and so are those below them.
    pub(super) conversions: &'static [(&'static str, &'static str)],
    /// Requests whose members fall back on those of another.
    pub(super) overlays: &'static [&'static str],
}

pub(super) const SERVICES: [Service; 2] = [
    Service {
        model: "ec2/2016-11-15/service-2.json.gz",
        file: "ec2.rs",
        protocol: "Ec2",
        operations: EC2,
        // What a launch template holds is shown again, and is what a launch from it asks for.
        conversions: &[
            ("RequestLaunchTemplateData", "ResponseLaunchTemplateData"),
            ("RequestLaunchTemplateData", "RunInstancesRequest"),
        ],
        overlays: &["RunInstancesRequest"],
    },
    Service {
        model: "sts/2011-06-15/service-2.json.gz",
        file: "sts.rs",
        protocol: "Sts",
        operations: &["AssumeRole", "GetCallerIdentity"],
        conversions: &[],
        overlays: &[],
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
    "CancelImportTask",
    "CancelSpotInstanceRequests",
    "CopyImage",
    "CopySnapshot",
    "CreateFleet",
    "CreateImage",
    "CreateKeyPair",
    "CreateLaunchTemplate",
    "CreateSecurityGroup",
    "CreateSnapshot",
    "CreateTags",
    "DeleteFleets",
    "DeleteKeyPair",
    "DeleteLaunchTemplate",
    "DeleteSecurityGroup",
    "DeleteSnapshot",
    "DeleteTags",
    "DeleteVolume",
    "DeregisterImage",
    "DescribeAddresses",
    "DescribeAvailabilityZones",
    "DescribeFleets",
    "DescribeImageAttribute",
    "DescribeImages",
    "DescribeImportSnapshotTasks",
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
    "DescribeSnapshotAttribute",
    "DescribeSnapshots",
    "DescribeSpotInstanceRequests",
    "DescribeSubnets",
    "DescribeTags",
    "DescribeVolumes",
    "DescribeVpcs",
    "DisableImageDeprecation",
    "EnableImageDeprecation",
    "GetConsoleOutput",
    "GetEbsEncryptionByDefault",
    "ImportKeyPair",
    "ImportSnapshot",
    "ModifyImageAttribute",
    "ModifyInstanceAttribute",
    "ModifyInstanceMetadataOptions",
    "ModifySnapshotAttribute",
    "RebootInstances",
    "RegisterImage",
    "ResetImageAttribute",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "RunInstances",
    "StartInstances",
    "StopInstances",
    "TerminateInstances",
    "UpdateSecurityGroupRuleDescriptionsEgress",
    "UpdateSecurityGroupRuleDescriptionsIngress",
];
