//! The instance type: known, offered in the zone, of the image's architecture.

use aws_sdk_ec2::types::{ArchitectureType, InstanceType, InstanceTypeInfo, LocationType, VCpuInfo};
use ec2_stories_core::ErrorKind;
use ec2_stories_core::provider::Finding;
use futures::join;

use super::Checked;
use super::image::Image;
use crate::api::Call;
use crate::tags::filter;

const FIELD: &str = "instance_types";

pub(super) struct Kind {
    info: Option<InstanceTypeInfo>,
    pub(super) findings: Vec<Finding>,
}

pub(super) async fn look(checked: &Checked<'_>, zone: Option<&str>) -> Kind {
    let (info, offered) = join!(info(checked), offered(checked, zone));
    let mut findings: Vec<Finding> = offered.into_iter().collect();
    match info {
        Ok(info) => Kind { info, findings },
        Err(finding) => {
            // What does not exist is offered nowhere either.
            findings.retain(|offered| offered.severity != finding.severity);
            findings.push(finding);
            Kind { info: None, findings }
        }
    }
}

async fn info(checked: &Checked<'_>) -> Result<Option<InstanceTypeInfo>, Finding> {
    let name = checked.request.instance_type.as_str();
    let request = checked.api.client.describe_instance_types().instance_types(InstanceType::from(name));
    match checked.api.call(Call::reading("DescribeInstanceTypes"), request.send()).await {
        Ok(reply) => Ok(reply.instance_types().first().cloned()),
        Err(error) if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound) => {
            Err(checked.error(FIELD, format!("{name} is no instance type of this region")))
        }
        Err(error) => Err(checked.unchecked(FIELD, &error)),
    }
}

async fn offered(checked: &Checked<'_>, zone: Option<&str>) -> Option<Finding> {
    let name = checked.request.instance_type.as_str();
    let kind = if zone.is_some() { LocationType::AvailabilityZone } else { LocationType::Region };
    let mut request = checked
        .api
        .client
        .describe_instance_type_offerings()
        .location_type(kind)
        .filters(filter("instance-type", name));
    if let Some(zone) = zone {
        request = request.filters(filter("location", zone));
    }
    match checked.api.call(Call::reading("DescribeInstanceTypeOfferings"), request.send()).await {
        Ok(reply) if reply.instance_type_offerings().is_empty() => {
            Some(checked.error(FIELD, format!("{name} is not offered in {}", zone.unwrap_or("this region"))))
        }
        Ok(_) => None,
        Err(error) => Some(checked.unchecked(FIELD, &error)),
    }
}

/// What type and image say together.
pub(super) fn judge(checked: &Checked<'_>, kind: &Kind, image: &Image) -> Vec<Finding> {
    let Some(info) = &kind.info else { return Vec::new() };
    let name = checked.request.instance_type.as_str();
    let mut findings = Vec::new();
    let runs: Vec<&str> = info
        .processor_info()
        .map(|processor| processor.supported_architectures().iter().map(ArchitectureType::as_str).collect())
        .unwrap_or_default();
    if let Some(image) = &image.found
        && !runs.is_empty()
        && !runs.contains(&image.architecture.as_str())
    {
        let message =
            format!("{name} runs {}, and {} is for {}", runs.join(" and "), image.id, image.architecture);
        findings.push(checked.error(FIELD, message));
    }
    if let Some(vcpus) =
        info.v_cpu_info().and_then(VCpuInfo::default_v_cpus).and_then(|n| u64::try_from(n).ok())
    {
        let all = vcpus * u64::from(checked.request.count());
        findings.push(checked.note(
            "nodes",
            format!("takes {all} vCPUs of the account's quota; EC2 does not say how many are free"),
        ));
    }
    findings
}
