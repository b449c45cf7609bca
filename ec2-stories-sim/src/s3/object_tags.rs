//! Tags and attributes of objects that are there.

use s3s::dto::*;
use s3s::{S3Request, S3Result};

use super::error::{invalid_argument, no_such_key};
use super::frontend::{Frontend, date};
use super::given::{check_tags, show_sum};
use super::objects::check_version;
use super::state::{self, Storage};

impl Frontend {
    pub(super) fn object<'a>(
        &self,
        storage: &'a mut Storage,
        (bucket, key): (&str, &str),
        version: Option<&str>,
        owner: Option<&str>,
    ) -> S3Result<&'a mut state::Object> {
        let bucket = self.bucket(storage, bucket, owner)?;
        check_version(version)?;
        bucket.objects.get_mut(key).ok_or_else(no_such_key)
    }
}

pub(super) async fn get_object_tagging(
    front: &Frontend,
    request: S3Request<GetObjectTaggingInput>,
) -> S3Result<GetObjectTaggingOutput> {
    let input = request.input;
    let (version, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let mut world = front.world();
    let object = front.object(&mut world.storage, (&input.bucket, &input.key), version, owner)?;
    Ok(GetObjectTaggingOutput { tag_set: object.tags.clone(), version_id: None })
}

pub(super) async fn put_object_tagging(
    front: &Frontend,
    request: S3Request<PutObjectTaggingInput>,
) -> S3Result<PutObjectTaggingOutput> {
    let input = request.input;
    let tags = check_tags(input.tagging.tag_set, 10)?;
    let (version, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let mut world = front.world();
    front.object(&mut world.storage, (&input.bucket, &input.key), version, owner)?.tags = tags;
    Ok(PutObjectTaggingOutput::default())
}

pub(super) async fn delete_object_tagging(
    front: &Frontend,
    request: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<DeleteObjectTaggingOutput> {
    let input = request.input;
    let (version, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let mut world = front.world();
    front.object(&mut world.storage, (&input.bucket, &input.key), version, owner)?.tags.clear();
    Ok(DeleteObjectTaggingOutput::default())
}

pub(super) async fn get_object_attributes(
    front: &Frontend,
    request: S3Request<GetObjectAttributesInput>,
) -> S3Result<GetObjectAttributesOutput> {
    let input = request.input;
    let (version, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let mut world = front.world();
    let object = front.object(&mut world.storage, (&input.bucket, &input.key), version, owner)?;
    let wants = |name: &str| input.object_attributes.iter().any(|each| each.as_str() == name);
    let checksum = || {
        let mut checksum = Checksum::default();
        show_sum!(checksum, object.sum, kind);
        checksum
    };
    let parts =
        || parts(object, input.part_number_marker.unwrap_or_default(), input.max_parts.unwrap_or(1000));
    let in_parts = wants(ObjectAttributes::OBJECT_PARTS) && !object.parts.is_empty();
    let standard = || StorageClass::from_static(StorageClass::STANDARD);
    Ok(GetObjectAttributesOutput {
        checksum: wants(ObjectAttributes::CHECKSUM).then(checksum),
        e_tag: wants(ObjectAttributes::ETAG).then(|| ETag::Strong(object.etag.clone())),
        last_modified: Some(date(object.modified)),
        object_parts: in_parts.then(parts).transpose()?,
        object_size: wants(ObjectAttributes::OBJECT_SIZE)
            .then(|| i64::try_from(object.blob.len()).ok())
            .flatten(),
        storage_class: wants(ObjectAttributes::STORAGE_CLASS)
            .then(|| object.attributes.storage_class.clone().unwrap_or_else(standard)),
        ..GetObjectAttributesOutput::default()
    })
}

fn parts(object: &state::Object, after: i32, most: i32) -> S3Result<GetObjectAttributesParts> {
    let page = usize::try_from(most.min(1000))
        .map_err(|_| invalid_argument("Argument max-parts must be an integer between 0 and 2147483647"))?;
    let mut left = object.parts.iter().filter(|(number, ..)| *number > after);
    let parts: Vec<ObjectPart> = left
        .by_ref()
        .take(page)
        .map(|(number, len, sum)| {
            let mut part = ObjectPart {
                part_number: Some(*number),
                size: i64::try_from(*len).ok(),
                ..ObjectPart::default()
            };
            show_sum!(part, sum);
            part
        })
        .collect();
    Ok(GetObjectAttributesParts {
        is_truncated: Some(left.next().is_some()),
        max_parts: Some(most.min(1000)),
        next_part_number_marker: parts.last().and_then(|part| part.part_number),
        part_number_marker: Some(after),
        parts: Some(parts),
        total_parts_count: i32::try_from(object.parts.len()).ok(),
    })
}
