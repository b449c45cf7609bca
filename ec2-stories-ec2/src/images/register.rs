//! From an upload to an image.

use aws_sdk_ec2::types as sdk;
use aws_sdk_ec2::types::ImageState;
use ec2_stories_core::image::{CONTENT_TAG, Encryption, ImageSpec, image_tags};
use ec2_stories_core::model::{ImageId, RegisteredImage, SnapshotId};
use ec2_stories_core::provider::UploadedImage;
use ec2_stories_core::{Error, ErrorKind, Result};

use super::snapshots::{self, Wanted};
use super::{deregister, find, import, wait};
use crate::Ec2;
use crate::api::{Api, Call};
use crate::tags::{specification, tags};

/// Tries, when the snapshot goes away under the registration, or EC2 does not agree with itself on a name.
const TRIES: usize = 3;

pub(super) async fn register(
    ec2: &Ec2,
    uploaded: &UploadedImage,
    spec: &ImageSpec,
) -> Result<RegisteredImage> {
    spec.check("image")?;
    let api = ec2.api();
    let mut tries = 0;
    loop {
        if let Some(image) = published_as(ec2, spec, &uploaded.content_hash).await? {
            return Ok(image);
        }
        let snapshot = snapshot(ec2, uploaded, spec).await?;
        match call(api, &snapshot, uploaded, spec).await {
            Ok(id) => return ready(api, &id).await,
            // A reply that was lost, another process with the same in mind, or a snapshot that someone deleted.
            Err(error) if may_be_looked_for(&error) && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(std::time::Duration::from_secs(1 << tries)).await;
            }
            Err(error) => return Err(error.on(&spec.name)),
        }
    }
}

/// The image that has the name, as soon as it is available, where it is of this content and registered as is wanted. One of this
/// content that failed is taken out of the way.
pub(crate) async fn published_as(
    ec2: &Ec2,
    spec: &ImageSpec,
    content_hash: &str,
) -> Result<Option<RegisteredImage>> {
    let api = ec2.api();
    let Some(image) = find::by_name(api, &spec.name).await? else { return Ok(None) };
    if let Some(ImageState::Failed | ImageState::Error | ImageState::Invalid) = image.state() {
        deregister::only(api, &failed_of(&image, content_hash, spec)?).await?;
        return Ok(None);
    }
    let id = is_this(&image, content_hash, spec)?;
    ready(api, &id).await.map(Some)
}

/// The image, as soon as it is available. One that fails is deregistered: it would keep the name, and nobody can use it.
async fn ready(api: &Api, id: &ImageId) -> Result<RegisteredImage> {
    let image = wait::available(api, id).await;
    if let Err(error) = &image
        && error.kind() == ErrorKind::Failed
        && let Err(left) = deregister::only(api, id).await
    {
        tracing::warn!(%left, %id, "an image that failed is left");
    }
    image
}

/// The id of an image that failed, where it is of this content: another's is not ours to remove.
fn failed_of(image: &sdk::Image, content_hash: &str, spec: &ImageSpec) -> Result<ImageId> {
    let id = image.image_id().unwrap_or_default();
    if tags(image.tags()).get(CONTENT_TAG) == Some(content_hash) {
        return Ok(id.into());
    }
    let why = format!(
        "another image, {id}, has this name, and failed ({}); take a new name, or deregister it",
        wait::reason(image)
    );
    Err(Error::new(ErrorKind::Conflict, why).during("register").on(&spec.name))
}

/// The image of this name, where it is of this content.
pub(crate) async fn named_with_content(ec2: &Ec2, name: &str, content_hash: &str) -> Result<Option<ImageId>> {
    let image = find::by_name(ec2.api(), name).await?;
    let ours = image.filter(|image| tags(image.tags()).get(CONTENT_TAG) == Some(content_hash));
    Ok(ours.and_then(|image| image.image_id).map(ImageId::new))
}

fn may_be_looked_for(error: &Error) -> bool {
    error.is_ambiguous()
        || error.kind() == ErrorKind::Conflict
        || error.api_code().is_some_and(|code| code == "InvalidSnapshot.NotFound")
}

/// A completed snapshot of the upload.
pub(super) async fn snapshot(ec2: &Ec2, uploaded: &UploadedImage, spec: &ImageSpec) -> Result<SnapshotId> {
    let api = ec2.api();
    if uploaded.location.starts_with("snap-") {
        let id = SnapshotId::new(&uploaded.location);
        let snapshot = snapshots::wait_until_completed(api, &id).await?;
        check_encryption(&snapshot, &spec.encryption)?;
        return Ok(id);
    }
    let wanted = Wanted { content_hash: &uploaded.content_hash, encryption: &spec.encryption };
    if let Some(id) = snapshots::find(api, wanted).await? {
        return Ok(id);
    }
    if import::is_object(uploaded) {
        return import::import(api, uploaded, spec, ec2.import_role()).await;
    }
    let why = format!("{:?} is neither s3://bucket/key nor snap-…", uploaded.location);
    Err(Error::invalid("uploaded.location", why))
}

/// An upload that is a snapshot already was encrypted when it was begun.
fn check_encryption(snapshot: &sdk::Snapshot, wanted: &Encryption) -> Result<()> {
    let encrypted = snapshot.encrypted().unwrap_or(false);
    if wanted.is_met_by(encrypted, snapshot.kms_key_id()) {
        return Ok(());
    }
    let id = snapshot.snapshot_id().unwrap_or_default();
    let is = match (encrypted, snapshot.kms_key_id()) {
        (false, _) => "not encrypted".to_owned(),
        (true, Some(key)) => format!("encrypted with {key}"),
        (true, None) => "encrypted".to_owned(),
    };
    let why = format!(
        "{id} is {is}, and the image is to be {}; say the same here and to the uploader (EbsUploader's `encryption`)",
        match wanted {
            Encryption::Off => "open".to_owned(),
            Encryption::DefaultKey => "encrypted".to_owned(),
            Encryption::Key(key) => format!("encrypted with {key}"),
        }
    );
    Err(Error::invalid("image.encryption", why))
}

/// Says that an image of the name is the one that is meant, or in what it differs.
fn is_this(image: &sdk::Image, content_hash: &str, spec: &ImageSpec) -> Result<ImageId> {
    let id = image.image_id().unwrap_or_default();
    let wanted = image_tags(&spec.name, content_hash);
    let there = tags(image.tags());
    let has = |same: bool, what: &'static str| (!same).then_some(what);
    let boots = image.boot_mode().map(sdk::BootModeValues::as_str);
    let difference = has(wanted.iter().all(|(key, value)| there.get(key) == Some(value)), "content")
        .or(has(image.architecture() == Some(&spec.architecture.as_str().into()), "architecture"))
        .or(has(boots == Some(spec.boots().as_str()), "boot_mode"))
        .or(has(image.ena_support().unwrap_or(false) == spec.ena, "ena"))
        .or(has(image.tpm_support().is_some() == spec.tpm, "tpm"))
        .or(has(image.imds_support().is_some() == spec.imds_v2, "imds_v2"))
        .or(has(image.root_device_name() == Some(&spec.root_device), "root_device"));
    match difference {
        None => Ok(id.into()),
        Some(what) => {
            let why = format!(
                "another image, {id}, has this name and another {what}; take a new name, or deregister it"
            );
            Err(Error::new(ErrorKind::Conflict, why).during("register").on(&spec.name))
        }
    }
}

async fn call(
    api: &Api,
    snapshot: &SnapshotId,
    uploaded: &UploadedImage,
    spec: &ImageSpec,
) -> Result<ImageId> {
    let volume = sdk::EbsBlockDevice::builder()
        .snapshot_id(snapshot.as_str())
        .volume_type(spec.volume_type.as_str().into())
        .delete_on_termination(true)
        .build();
    let root = sdk::BlockDeviceMapping::builder().device_name(&spec.root_device).ebs(volume).build();
    let owned = spec.tags.clone().merged(&image_tags(&spec.name, &uploaded.content_hash));
    let request = api
        .client
        .register_image()
        .name(&spec.name)
        .set_description(spec.description.clone())
        .architecture(spec.architecture.as_str().into())
        .virtualization_type("hvm")
        .boot_mode(spec.boots().as_str().into())
        .ena_support(spec.ena)
        .sriov_net_support("simple")
        .set_tpm_support(spec.tpm.then_some(sdk::TpmSupportValues::V20))
        .set_imds_support(spec.imds_v2.then_some(sdk::ImdsSupportValues::V20))
        .root_device_name(&spec.root_device)
        .block_device_mappings(root)
        .tag_specifications(specification(sdk::ResourceType::Image, &owned));
    let reply = api.call(Call::changing("RegisterImage"), request.send()).await?;
    let id = reply.image_id().ok_or_else(|| Error::new(ErrorKind::Unexpected, "the reply has no image id"));
    id.map(Into::into)
}
