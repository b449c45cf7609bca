//! By what DescribeImages filters.

use crate::filter::{Field, Filterable, value, values};
use crate::wire::generated::ec2::{BlockDeviceMapping, EbsBlockDevice, Image, Tag};

fn disk<V: ToString>(image: &Image, member: fn(&EbsBlockDevice) -> &Option<V>) -> Vec<String> {
    let disks = image.block_device_mappings.iter().filter_map(|mapping| mapping.ebs.as_ref());
    disks.flat_map(|disk| value(member(disk))).collect()
}

impl Filterable for Image {
    /// Source: DescribeImages, parameter Filter.N.
    const FIELDS: &'static [Field<Self>] = &[
        ("architecture", |image| value(&image.architecture)),
        ("block-device-mapping.delete-on-termination", |image| {
            disk(image, |disk| &disk.delete_on_termination)
        }),
        ("block-device-mapping.device-name", |image| {
            values(&image.block_device_mappings, |mapping: &BlockDeviceMapping| &mapping.device_name)
        }),
        ("block-device-mapping.encrypted", |image| disk(image, |disk| &disk.encrypted)),
        ("block-device-mapping.snapshot-id", |image| disk(image, |disk| &disk.snapshot_id)),
        ("block-device-mapping.volume-size", |image| disk(image, |disk| &disk.volume_size)),
        ("block-device-mapping.volume-type", |image| disk(image, |disk| &disk.volume_type)),
        ("creation-date", |image| value(&image.creation_date)),
        ("description", |image| value(&image.description)),
        ("ena-support", |image| value(&image.ena_support)),
        ("hypervisor", |image| value(&image.hypervisor)),
        ("image-id", |image| value(&image.image_id)),
        ("image-type", |image| value(&image.image_type)),
        ("is-public", |image| value(&image.public)),
        ("manifest-location", |image| value(&image.image_location)),
        ("name", |image| value(&image.name)),
        ("owner-alias", |image| value(&image.image_owner_alias)),
        ("owner-id", |image| value(&image.owner_id)),
        ("platform", |image| value(&image.platform)),
        ("root-device-name", |image| value(&image.root_device_name)),
        ("root-device-type", |image| value(&image.root_device_type)),
        ("source-image-id", |image| value(&image.source_image_id)),
        ("source-image-region", |image| value(&image.source_image_region)),
        ("product-code", |image| values(&image.product_codes, |code| &code.product_code_id)),
        ("sriov-net-support", |image| value(&image.sriov_net_support)),
        ("state", |image| value(&image.state)),
        ("state-reason-code", |image| {
            image.state_reason.iter().flat_map(|reason| value(&reason.code)).collect()
        }),
        ("state-reason-message", |image| {
            image.state_reason.iter().flat_map(|reason| value(&reason.message)).collect()
        }),
        ("virtualization-type", |image| value(&image.virtualization_type)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
