//! What a launch will do, checked before anything is done.

use std::net::Ipv4Addr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::disks::{self, Disk};
use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::capacity::{insufficient, unsupported};
use crate::state::instance::ImageFacts;
use crate::state::tags;
use crate::state::types::{self, TypeInfo};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{Image, InstanceNetworkInterfaceSpecification, RunInstancesRequest};

/// EC2 user guide, "Run commands when you launch an EC2 instance with user data input": 16 KB before encoding.
const MAX_USER_DATA: usize = 16 * 1024;
/// Resources that RunInstances creates and tags.
const TAGGABLE: [&str; 4] = ["instance", "volume", "network-interface", "spot-instances-request"];

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) kind: &'static TypeInfo,
    pub(crate) image: ImageFacts,
    pub(crate) subnet: String,
    pub(crate) zone: String,
    pub(crate) count: u32,
    pub(crate) groups: Vec<String>,
    pub(crate) private_ip: Option<Ipv4Addr>,
    /// Nothing where the subnet decides.
    pub(crate) public_ip: Option<bool>,
    pub(crate) disks: Vec<Disk>,
    pub(crate) spot: bool,
}

impl Plan {
    pub(crate) fn of(cloud: &Cloud, ctx: &Ctx, req: &RunInstancesRequest) -> Result<Self, ApiError> {
        refuse_unsimulated(req)?;
        let (min, max) = counts(req)?;
        let image_id = req.image_id.as_deref().ok_or_else(|| ApiError::missing_parameter("ImageId"))?;
        let image = &cloud.images.available(image_id, &ctx.account, ctx.now)?.image;
        let kind = kind(req)?;
        if image.architecture.as_deref() != Some(kind.architecture()) {
            return Err(wrong_architecture(kind, image.architecture.as_deref().unwrap_or_default()));
        }
        runs_on(image, kind)?;
        let disks = disks::of(cloud, ctx, image, &req.block_device_mappings)?;
        let image = ImageFacts {
            id: image_id.to_owned(),
            architecture: kind.architecture().to_owned(),
            root_device: image.root_device_name.clone().unwrap_or_default(),
            boot_mode: image.boot_mode.clone(),
            platform_details: image.platform_details.clone().unwrap_or_else(|| "Linux/UNIX".to_owned()),
            usage_operation: image.usage_operation.clone().unwrap_or_else(|| "RunInstances".to_owned()),
            imds_v2: image.imds_support.as_deref() == Some("v2.0"),
        };
        if let Some(name) = &req.key_name {
            cloud.keys.get(name)?;
        }
        user_data(req)?;
        profile(ctx, req)?;
        tags::only(&TAGGABLE, &req.tag_specifications)?;
        for kind in TAGGABLE {
            tags::tags_for(kind, &req.tag_specifications)?;
        }
        let asked =
            req.metadata_options.as_ref().and_then(|options| options.instance_metadata_tags.as_deref());
        if asked == Some("enabled") {
            let shown = tags::tags_for("instance", &req.tag_specifications)?;
            tags::check_metadata_keys(shown.iter().filter_map(|tag| tag.key.as_deref()))?;
        }
        let (zone, count) = place(cloud, ctx, req, kind, min, max)?;
        let subnet = match named_subnet(req)? {
            Some(id) => cloud.network.subnet(id)?,
            None => cloud.network.default_subnet(&zone)?,
        };
        let interface = interface(req)?;
        let groups = match interface {
            Some(interface) => cloud.network.resolve_groups(&interface.groups, &[], &subnet.vpc_id)?,
            None => {
                cloud.network.resolve_groups(&req.security_group_ids, &req.security_groups, &subnet.vpc_id)?
            }
        };
        let wanted =
            interface.and_then(|i| i.private_ip_address.as_ref()).or(req.private_ip_address.as_ref());
        let private_ip = match wanted {
            Some(text) => Some(text.parse().map_err(|_| ApiError::invalid_value(text, "privateIpAddress"))?),
            None => None,
        };
        if private_ip.is_some() && count > 1 {
            let message = "The parameter PrivateIpAddress cannot be used to launch more than one instance";
            return Err(ApiError::invalid_combination(message));
        }
        Ok(Self {
            kind,
            image,
            subnet: subnet.id.clone(),
            zone,
            count,
            groups,
            private_ip,
            public_ip: interface.and_then(|interface| interface.associate_public_ip_address),
            disks,
            spot: spot(req)?,
        })
    }
}

fn counts(req: &RunInstancesRequest) -> Result<(u32, u32), ApiError> {
    let count = |value: Option<i32>, name: &str| {
        let value = value.ok_or_else(|| ApiError::missing_parameter(name))?;
        u32::try_from(value).ok().filter(|count| *count > 0).ok_or_else(|| {
            let message =
                format!("Value ({value}) for parameter {name} is invalid. The value must be greater than 0.");
            ApiError::invalid_parameter(message)
        })
    };
    let (min, max) = (count(req.min_count, "minCount")?, count(req.max_count, "maxCount")?);
    if min > max {
        let message =
            format!("Value ({min}) for parameter minCount is invalid. It must not exceed maxCount ({max}).");
        return Err(ApiError::invalid_parameter(message));
    }
    Ok((min, max))
}

/// EC2's default is still `m1.small`, which runs no image of today.
fn kind(req: &RunInstancesRequest) -> Result<&'static TypeInfo, ApiError> {
    match req.instance_type.as_deref() {
        Some(name) => types::find(name),
        None => Err(ApiError::invalid_combination(
            "Non-Windows instances with a virtualization type of 'hvm' are currently not supported for this instance \
             type : m1.small.",
        )),
    }
}

/// Instances of the Nitro System see the network through ENA, and none of today's types runs paravirtual images.
///
/// Source: EC2 user guide, "Compatibility for changing the instance type" and "Instance launch behavior with EC2 boot
/// modes".
fn runs_on(image: &Image, kind: &TypeInfo) -> Result<(), ApiError> {
    let name = kind.name;
    let message = if image.virtualization_type.as_deref() != Some("hvm") {
        format!(
            "Virtualization type 'hvm' is required for instances of type '{name}'. Ensure that you are using an AMI \
             with virtualization type 'hvm'."
        )
    } else if kind.is_nitro() && image.ena_support != Some(true) {
        format!(
            "Enhanced networking with the Elastic Network Adapter (ENA) is required for the '{name}' instance type. \
             Ensure that you are using an AMI that is enabled for ENA."
        )
    } else if !kind.is_nitro() && image.boot_mode.as_deref() == Some("uefi") {
        format!("The instance type '{name}' does not support an AMI with the boot mode 'uefi'.")
    } else if !kind.is_nitro() && image.tpm_support.is_some() {
        format!("The instance type '{name}' does not support an AMI with TPM support.")
    } else {
        return Ok(());
    };
    Err(ApiError::invalid_combination(message))
}

fn wrong_architecture(kind: &TypeInfo, image: &str) -> ApiError {
    ApiError::invalid_parameter(format!(
        "The architecture '{}' of the specified instance type does not match the architecture '{image}' of the \
         specified AMI. Specify an instance type and an AMI that have matching architectures, and try again. You can \
         use 'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI.",
        kind.architecture()
    ))
}

fn user_data(req: &RunInstancesRequest) -> Result<(), ApiError> {
    let Some(text) = &req.user_data else { return Ok(()) };
    let decoded = BASE64_STANDARD
        .decode(text.as_bytes())
        .map_err(|_| ApiError::invalid_parameter("Invalid BASE64 encoding of user data."))?;
    if decoded.len() > MAX_USER_DATA {
        let message = format!("User data is limited to {MAX_USER_DATA} bytes");
        return Err(ApiError::invalid_parameter(message));
    }
    Ok(())
}

fn spot(req: &RunInstancesRequest) -> Result<bool, ApiError> {
    let Some(options) = &req.instance_market_options else { return Ok(false) };
    let behavior =
        options.spot_options.as_ref().and_then(|spot| spot.instance_interruption_behavior.as_deref());
    if !matches!(behavior, None | Some("terminate")) {
        return Err(ApiError::unsimulated("InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior"));
    }
    let price = options.spot_options.as_ref().and_then(|spot| spot.max_price.as_deref());
    if let Some(price) = price.filter(|price| !is_price(price)) {
        return Err(ApiError::invalid_value(price, "maxPrice"));
    }
    Ok(options.market_type.as_deref() == Some("spot"))
}

/// Dollars an hour: digits with at most one point, above zero.
fn is_price(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain && text.parse::<f64>().is_ok_and(|price| price > 0.0)
}

/// Code and text: "Error codes for the Amazon EC2 API", InvalidParameterValue, and what EC2 was seen to say.
fn profile(ctx: &Ctx, req: &RunInstancesRequest) -> Result<(), ApiError> {
    let Some(asked) = &req.iam_instance_profile else { return Ok(()) };
    let known = |name: &str| ctx.iam.instance_profiles.contains(name);
    let of_account = format!("arn:aws:iam::{}:instance-profile/", ctx.account);
    match (asked.name.as_deref(), asked.arn.as_deref()) {
        (Some(_), Some(_)) => Err(ApiError::invalid_combination(
            "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'",
        )),
        (Some(name), None) if !known(name) => Err(ApiError::invalid_parameter(format!(
            "Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
        ))),
        // A path may stand before the name.
        (None, Some(arn))
            if !arn.strip_prefix(&of_account).and_then(|r| r.rsplit('/').next()).is_some_and(known) =>
        {
            Err(ApiError::invalid_parameter(format!(
                "Value ({arn}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN"
            )))
        }
        _ => Ok(()),
    }
}

/// The one network interface asked for.
fn interface(req: &RunInstancesRequest) -> Result<Option<&InstanceNetworkInterfaceSpecification>, ApiError> {
    let interface = match &req.network_interfaces[..] {
        [] => return Ok(None),
        [interface] => interface,
        _ => return Err(ApiError::unsimulated("NetworkInterface.2")),
    };
    if interface.network_interface_id.is_some() {
        return Err(ApiError::unsimulated("NetworkInterface.1.NetworkInterfaceId"));
    }
    let what = if !req.security_group_ids.is_empty() || !req.security_groups.is_empty() {
        "security groups"
    } else if req.subnet_id.is_some() {
        "subnet ID"
    } else {
        return Ok(Some(interface));
    };
    let message =
        format!("Network interfaces and an instance-level {what} may not be specified on the same request");
    Err(ApiError::invalid_combination(message))
}

fn named_subnet(req: &RunInstancesRequest) -> Result<Option<&str>, ApiError> {
    let of_interface = interface(req)?.and_then(|interface| interface.subnet_id.as_deref());
    Ok(of_interface.or(req.subnet_id.as_deref()))
}

/// The zone of the placement or of the subnet, where the launch names one.
pub(super) fn named_zone(cloud: &Cloud, req: &RunInstancesRequest) -> Result<Option<String>, ApiError> {
    let placement = req.placement.as_ref();
    let by_id = placement.and_then(|p| p.availability_zone_id.as_deref()).map(|id| {
        let zone = cloud.network.zones().iter().find(|zone| zone.id == id);
        zone.map(|zone| zone.name.clone()).ok_or_else(|| ApiError::invalid_value(id, "availabilityZoneId"))
    });
    let named = match placement.and_then(|p| p.availability_zone.as_deref()) {
        Some(name) => Some(cloud.network.zone(name)?.name.clone()),
        None => by_id.transpose()?,
    };
    let of_subnet = named_subnet(req)?.map(|id| cloud.network.subnet(id)).transpose()?;
    match (named, of_subnet) {
        (Some(zone), Some(subnet)) if zone != subnet.zone => Err(ApiError::invalid_parameter(format!(
            "Value ({zone}) for parameter availabilityZone is invalid. Subnet '{}' is in the availability zone {}",
            subnet.id, subnet.zone
        ))),
        (named, subnet) => Ok(named.or_else(|| subnet.map(|subnet| subnet.zone.clone()))),
    }
}

/// Chooses the zone and how many instances it gets: a launch is never spread over zones.
fn place(
    cloud: &Cloud,
    ctx: &Ctx,
    req: &RunInstancesRequest,
    kind: &'static TypeInfo,
    min: u32,
    max: u32,
) -> Result<(String, u32), ApiError> {
    let (vcpus, instances) = cloud.instances.usage(ctx.now);
    let max = cloud.capacity.within_quota(kind, min..=max, vcpus, instances)?;
    let all: Vec<String> = cloud.network.zones().iter().map(|zone| zone.name.clone()).collect();
    let named = named_zone(cloud, req)?;
    let others: Vec<String> = all.iter().filter(|zone| Some(*zone) != named.as_ref()).cloned().collect();
    let offering = |zone: &String| cloud.capacity.offers(kind.name, zone);
    let free = |zone: &String| {
        if ctx.fate.no_capacity { 0 } else { cloud.capacity.free(kind.name, zone, ctx.now) }
    };
    let candidates = match &named {
        Some(zone) if !offering(zone) => return Err(unsupported(kind.name, zone, &others)),
        Some(zone) => vec![zone.clone()],
        None => all.into_iter().filter(offering).collect(),
    };
    // The first zone that holds everything, or else the one that holds most.
    let best =
        candidates.iter().enumerate().max_by_key(|(i, zone)| (free(zone).min(max), std::cmp::Reverse(*i)));
    let Some((_, zone)) = best else {
        let message = format!("The requested configuration is currently not supported: {}.", kind.name);
        return Err(ApiError::new("Unsupported", message));
    };
    match free(zone).min(max) {
        count if count < min => Err(insufficient(kind.name, zone, &others)),
        count => Ok((zone.clone(), count)),
    }
}

/// EC2 knows these; a simulation that ignored them would mislead.
fn refuse_unsimulated(req: &RunInstancesRequest) -> Result<(), ApiError> {
    let hibernates = req.hibernation_options.as_ref().is_some_and(|options| options.configured == Some(true));
    let enclave = req.enclave_options.as_ref().is_some_and(|options| options.enabled == Some(true));
    let asked = [
        (req.capacity_reservation_specification.is_some(), "CapacityReservationSpecification"),
        (!req.elastic_gpu_specification.is_empty(), "ElasticGpuSpecification"),
        (!req.elastic_inference_accelerators.is_empty(), "ElasticInferenceAccelerator"),
        (!req.ipv6_addresses.is_empty() || req.ipv6_address_count.is_some_and(|n| n > 0), "Ipv6Address"),
        (req.kernel_id.is_some(), "KernelId"),
        (req.ramdisk_id.is_some(), "RamdiskId"),
        (!req.license_specifications.is_empty(), "LicenseSpecification"),
        (!req.secondary_interfaces.is_empty(), "SecondaryInterface"),
        (hibernates, "HibernationOptions.Configured"),
        (enclave, "EnclaveOptions.Enabled"),
    ];
    match asked.iter().find(|(asked, _)| *asked) {
        Some((_, name)) => Err(ApiError::unsimulated(name)),
        None => Ok(()),
    }
}
