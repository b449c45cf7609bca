//! DescribeInstanceTypes and DescribeInstanceTypeOfferings.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::page;
use crate::state::Cloud;
use crate::state::types::{self, TYPES, TypeInfo};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    DescribeInstanceTypeOfferingsRequest, DescribeInstanceTypeOfferingsResponse,
    DescribeInstanceTypesRequest, DescribeInstanceTypesResponse, EbsInfo, InstanceTypeInfo,
    InstanceTypeOffering, MemoryInfo, NetworkInfo, ProcessorInfo, Tag, VCpuInfo,
};

pub(crate) fn describe_instance_types(
    _: &mut Cloud,
    _: &Ctx,
    req: DescribeInstanceTypesRequest,
) -> Result<DescribeInstanceTypesResponse, ApiError> {
    for name in &req.instance_types {
        types::find(name).map_err(|_| {
            let message = format!("The following supplied instance types do not exist: [{name}]");
            ApiError::new("InvalidInstanceType", message)
        })?;
    }
    let wanted = TYPES.iter().filter(|kind| {
        req.instance_types.is_empty() || req.instance_types.iter().any(|name| name == kind.name)
    });
    let found = matching(wanted.map(shown), &req.filters)?;
    let key = |info: &InstanceTypeInfo| info.instance_type.clone().unwrap_or_default();
    let (instance_types, next_token) = page::cut(found, key, req.max_results, req.next_token.as_deref())?;
    Ok(DescribeInstanceTypesResponse { instance_types, next_token })
}

/// Source: DescribeInstanceTypeOfferings: by region, unless LocationType says otherwise.
pub(crate) fn describe_instance_type_offerings(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DescribeInstanceTypeOfferingsRequest,
) -> Result<DescribeInstanceTypeOfferingsResponse, ApiError> {
    let location_type = req.location_type.unwrap_or_else(|| "region".to_owned());
    let zones = cloud.network.zones();
    // What a location is called, and the zones that it covers.
    let locations: Vec<(String, Vec<&str>)> = match location_type.as_str() {
        "availability-zone" => {
            zones.iter().map(|zone| (zone.name.clone(), vec![zone.name.as_str()])).collect()
        }
        "availability-zone-id" => {
            zones.iter().map(|zone| (zone.id.clone(), vec![zone.name.as_str()])).collect()
        }
        "region" => vec![(ctx.region.clone(), zones.iter().map(|zone| zone.name.as_str()).collect())],
        _ => Vec::new(),
    };
    let capacity = &cloud.capacity;
    let all = locations.iter().flat_map(|(location, zones)| {
        let offered = TYPES.iter().filter(|kind| zones.iter().any(|zone| capacity.offers(kind.name, zone)));
        offered.map(|kind| InstanceTypeOffering {
            instance_type: Some(kind.name.to_owned()),
            location: Some(location.clone()),
            location_type: Some(location_type.clone()),
        })
    });
    let found = matching(all.collect::<Vec<_>>(), &req.filters)?;
    let key = |offering: &InstanceTypeOffering| {
        let (kind, location) = (offering.instance_type.as_deref(), offering.location.as_deref());
        format!("{} {}", kind.unwrap_or_default(), location.unwrap_or_default())
    };
    let (instance_type_offerings, next_token) =
        page::cut(found, key, req.max_results, req.next_token.as_deref())?;
    Ok(DescribeInstanceTypeOfferingsResponse { instance_type_offerings, next_token })
}

fn shown(kind: &TypeInfo) -> InstanceTypeInfo {
    let threads = kind.threads_per_core();
    let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    InstanceTypeInfo {
        instance_type: Some(kind.name.to_owned()),
        current_generation: Some(!kind.name.starts_with("t2.")),
        free_tier_eligible: Some(matches!(kind.name, "t2.micro" | "t3.micro")),
        bare_metal: Some(false),
        burstable_performance_supported: Some(kind.burstable()),
        hypervisor: Some(if kind.name.starts_with("t2.") { "xen" } else { "nitro" }.to_owned()),
        supported_usage_classes: strings(&["on-demand", "spot"]),
        supported_root_device_types: strings(&["ebs"]),
        supported_virtualization_types: strings(&["hvm"]),
        supported_boot_modes: strings(if kind.arm { &["uefi"] } else { &["legacy-bios", "uefi"] }),
        instance_storage_supported: Some(false),
        v_cpu_info: Some(VCpuInfo {
            default_v_cpus: Some(kind.vcpus),
            default_cores: Some(kind.vcpus / threads),
            default_threads_per_core: Some(threads),
            ..VCpuInfo::default()
        }),
        memory_info: Some(MemoryInfo { size_in_mi_b: Some(kind.memory_mib) }),
        processor_info: Some(ProcessorInfo {
            supported_architectures: strings(&[kind.architecture()]),
            manufacturer: Some(if kind.arm { "AWS" } else { "Intel" }.to_owned()),
            ..ProcessorInfo::default()
        }),
        network_info: Some(NetworkInfo {
            network_performance: Some(kind.network.to_owned()),
            ena_support: Some(
                if kind.name.starts_with("t2.") { "unsupported" } else { "required" }.to_owned(),
            ),
            ..NetworkInfo::default()
        }),
        ebs_info: Some(EbsInfo { encryption_support: Some("supported".to_owned()), ..EbsInfo::default() }),
        ..InstanceTypeInfo::default()
    }
}

/// Source: DescribeInstanceTypes, parameter Filter.N.
impl Filterable for InstanceTypeInfo {
    const FIELDS: &'static [Field<Self>] = &[
        ("bare-metal", |t| value(&t.bare_metal)),
        ("burstable-performance-supported", |t| value(&t.burstable_performance_supported)),
        ("current-generation", |t| value(&t.current_generation)),
        ("free-tier-eligible", |t| value(&t.free_tier_eligible)),
        ("hypervisor", |t| value(&t.hypervisor)),
        ("instance-storage-supported", |t| value(&t.instance_storage_supported)),
        ("instance-type", |t| value(&t.instance_type)),
        ("memory-info.size-in-mib", |t| t.memory_info.iter().flat_map(|m| value(&m.size_in_mi_b)).collect()),
        ("processor-info.supported-architecture", |t| {
            t.processor_info.iter().flat_map(|p| p.supported_architectures.clone()).collect()
        }),
        ("supported-boot-mode", |t| t.supported_boot_modes.clone()),
        ("supported-root-device-type", |t| t.supported_root_device_types.clone()),
        ("supported-usage-class", |t| t.supported_usage_classes.clone()),
        ("supported-virtualization-type", |t| t.supported_virtualization_types.clone()),
        ("vcpu-info.default-cores", |t| t.v_cpu_info.iter().flat_map(|v| value(&v.default_cores)).collect()),
        ("vcpu-info.default-vcpus", |t| t.v_cpu_info.iter().flat_map(|v| value(&v.default_v_cpus)).collect()),
    ];
    const TAGGED: bool = false;

    fn tags(&self) -> Option<&[Tag]> {
        None
    }
}

/// Source: DescribeInstanceTypeOfferings, parameter Filter.N.
impl Filterable for InstanceTypeOffering {
    const FIELDS: &'static [Field<Self>] =
        &[("instance-type", |o| value(&o.instance_type)), ("location", |o| value(&o.location))];
    const TAGGED: bool = false;

    fn tags(&self) -> Option<&[Tag]> {
        None
    }
}
