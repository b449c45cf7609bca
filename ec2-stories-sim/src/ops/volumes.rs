//! DescribeVolumes and DeleteVolume.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value, values};
use crate::page;
use crate::state::Cloud;
use crate::state::volumes::Volume;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    self as wire, DeleteVolumeRequest, DeleteVolumeResponse, DescribeVolumesRequest, DescribeVolumesResponse,
    Tag, VolumeAttachment,
};

pub(crate) fn describe_volumes(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DescribeVolumesRequest,
) -> Result<DescribeVolumesResponse, ApiError> {
    page::check_size(req.max_results, 5, 1000)?;
    for id in &req.volume_ids {
        cloud.volumes.known(id, ctx.now)?;
    }
    let wanted = cloud.volumes.all().filter(|volume| {
        volume.visible_at <= ctx.now && (req.volume_ids.is_empty() || req.volume_ids.contains(&volume.id))
    });
    let found = matching(wanted.map(|volume| shown(cloud, ctx, volume)), &req.filters)?;
    let key = |volume: &wire::Volume| volume.volume_id.clone().unwrap_or_default();
    let (volumes, next_token) = page::cut(found, key, req.max_results, req.next_token.as_deref())?;
    Ok(DescribeVolumesResponse { volumes, next_token })
}

pub(crate) fn delete_volume(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DeleteVolumeRequest,
) -> Result<DeleteVolumeResponse, ApiError> {
    cloud.volumes.delete(&req.volume_id.unwrap_or_default(), ctx.now)?;
    Ok(DeleteVolumeResponse::default())
}

fn shown(cloud: &Cloud, ctx: &Ctx, volume: &Volume) -> wire::Volume {
    let attachment = volume.attachment.as_ref().map(|attachment| VolumeAttachment {
        instance_id: Some(attachment.instance.clone()),
        device: Some(attachment.device.clone()),
        attach_time: Some(attachment.at),
        delete_on_termination: Some(attachment.delete_on_termination),
        state: Some("attached".to_owned()),
        volume_id: Some(volume.id.clone()),
        ..VolumeAttachment::default()
    });
    let kms_key = volume.kms_key.clone().unwrap_or_else(|| "alias/aws/ebs".to_owned());
    wire::Volume {
        volume_id: Some(volume.id.clone()),
        owner_id: Some(ctx.account.clone()),
        availability_zone: Some(volume.zone.clone()),
        availability_zone_id: Some(volume.zone_id.clone()),
        create_time: Some(volume.created),
        state: Some(if attachment.is_some() { "in-use" } else { "available" }.to_owned()),
        attachments: attachment.into_iter().collect(),
        size: Some(volume.size_gib),
        volume_type: Some(volume.kind.clone()),
        iops: volume.iops,
        throughput: volume.throughput,
        encrypted: Some(volume.encrypted),
        kms_key_id: volume.encrypted.then_some(kms_key),
        snapshot_id: Some(volume.snapshot.clone().unwrap_or_default()),
        multi_attach_enabled: Some(false),
        tags: cloud.tags.get(&volume.id),
        ..wire::Volume::default()
    }
}

/// Source: DescribeVolumes, parameter Filter.N.
impl Filterable for wire::Volume {
    const FIELDS: &'static [Field<Self>] = &[
        ("attachment.attach-time", |v| values(&v.attachments, |a| &a.attach_time)),
        ("attachment.delete-on-termination", |v| values(&v.attachments, |a| &a.delete_on_termination)),
        ("attachment.device", |v| values(&v.attachments, |a| &a.device)),
        ("attachment.instance-id", |v| values(&v.attachments, |a| &a.instance_id)),
        ("attachment.status", |v| values(&v.attachments, |a| &a.state)),
        ("availability-zone", |v| value(&v.availability_zone)),
        ("availability-zone-id", |v| value(&v.availability_zone_id)),
        ("create-time", |v| value(&v.create_time)),
        ("encrypted", |v| value(&v.encrypted)),
        ("multi-attach-enabled", |v| value(&v.multi_attach_enabled)),
        ("size", |v| value(&v.size)),
        ("snapshot-id", |v| value(&v.snapshot_id)),
        ("status", |v| value(&v.state)),
        ("volume-id", |v| value(&v.volume_id)),
        ("volume-type", |v| value(&v.volume_type)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
