//! What is set on a bucket as a whole: put, read back, taken away.

use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::error::{custom, invalid_request, not_implemented, refuse};
use super::frontend::Frontend;
use super::given::check_tags;

/// `get` refuses with a code of its own where nothing was put.
fn none_set(code: &'static str, what: &str) -> S3Error {
    custom(code, 404, format!("The {what} was not found"))
}

/// Reads, puts and deletes one member of [`super::state::Settings`].
macro_rules! setting {
    (
        $member:ident;
        get $get:ident($get_input:ty) -> $get_output:ident { $shown:ident }, none $code:literal $what:literal;
        put $put:ident($put_input:ty) -> $put_output:ty { $given:ident };
        delete $delete:ident($delete_input:ty) -> $delete_output:ty;
    ) => {
        pub(super) async fn $get(front: &Frontend, request: S3Request<$get_input>) -> S3Result<$get_output> {
            let input = request.input;
            let mut world = front.world();
            let owner = input.expected_bucket_owner.as_deref();
            let bucket = front.bucket(&mut world.storage, &input.bucket, owner)?;
            let value = bucket.settings.$member.clone().ok_or_else(|| none_set($code, $what))?;
            Ok($get_output { $shown: Some(value) })
        }

        pub(super) async fn $put(front: &Frontend, request: S3Request<$put_input>) -> S3Result<$put_output> {
            let input = request.input;
            let mut world = front.world();
            let owner = input.expected_bucket_owner.as_deref();
            let bucket = front.bucket(&mut world.storage, &input.bucket, owner)?;
            bucket.settings.$member = Some(input.$given);
            Ok(Default::default())
        }

        pub(super) async fn $delete(
            front: &Frontend,
            request: S3Request<$delete_input>,
        ) -> S3Result<$delete_output> {
            let input = request.input;
            let mut world = front.world();
            let owner = input.expected_bucket_owner.as_deref();
            front.bucket(&mut world.storage, &input.bucket, owner)?.settings.$member = None;
            Ok(Default::default())
        }
    };
}

setting! {
    public_access;
    get get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput
        { public_access_block_configuration },
        none "NoSuchPublicAccessBlockConfiguration" "public access block configuration";
    put put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput
        { public_access_block_configuration };
    delete delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput;
}

setting! {
    ownership;
    get get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput
        { ownership_controls },
        none "OwnershipControlsNotFoundError" "bucket ownership controls";
    put put_bucket_ownership_controls(PutBucketOwnershipControlsInput) -> PutBucketOwnershipControlsOutput
        { ownership_controls };
    delete delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput)
        -> DeleteBucketOwnershipControlsOutput;
}

setting! {
    policy;
    get get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput { policy },
        none "NoSuchBucketPolicy" "bucket policy";
    put put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput { policy };
    delete delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput;
}

/// Source: GetBucketEncryption: SSE-S3 where nothing was put.
pub(super) async fn get_bucket_encryption(
    front: &Frontend,
    request: S3Request<GetBucketEncryptionInput>,
) -> S3Result<GetBucketEncryptionOutput> {
    let input = request.input;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let standard = || {
        let by_default = ServerSideEncryptionByDefault {
            kms_master_key_id: None,
            sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
        };
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(by_default),
            bucket_key_enabled: Some(false),
        };
        ServerSideEncryptionConfiguration { rules: vec![rule] }
    };
    let shown = bucket.settings.encryption.clone().unwrap_or_else(standard);
    Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(shown) })
}

pub(super) async fn put_bucket_encryption(
    front: &Frontend,
    request: S3Request<PutBucketEncryptionInput>,
) -> S3Result<PutBucketEncryptionOutput> {
    let input = request.input;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    bucket.settings.encryption = Some(input.server_side_encryption_configuration);
    Ok(PutBucketEncryptionOutput::default())
}

pub(super) async fn delete_bucket_encryption(
    front: &Frontend,
    request: S3Request<DeleteBucketEncryptionInput>,
) -> S3Result<DeleteBucketEncryptionOutput> {
    let input = request.input;
    let mut world = front.world();
    let owner = input.expected_bucket_owner.as_deref();
    front.bucket(&mut world.storage, &input.bucket, owner)?.settings.encryption = None;
    Ok(DeleteBucketEncryptionOutput::default())
}

pub(super) async fn get_bucket_lifecycle_configuration(
    front: &Frontend,
    request: S3Request<GetBucketLifecycleConfigurationInput>,
) -> S3Result<GetBucketLifecycleConfigurationOutput> {
    let input = request.input;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let none = || none_set("NoSuchLifecycleConfiguration", "lifecycle configuration");
    let rules = bucket.settings.lifecycle.clone().ok_or_else(none)?.rules;
    Ok(GetBucketLifecycleConfigurationOutput {
        rules: Some(rules),
        transition_default_minimum_object_size: None,
    })
}

/// Rules that end uploads and objects are carried out; those about storage classes and versions are refused.
pub(super) async fn put_bucket_lifecycle_configuration(
    front: &Frontend,
    request: S3Request<PutBucketLifecycleConfigurationInput>,
) -> S3Result<PutBucketLifecycleConfigurationOutput> {
    let input = request.input;
    let rules = input.lifecycle_configuration.as_ref().map(|each| each.rules.as_slice()).unwrap_or_default();
    if rules.is_empty() || rules.len() > 1000 {
        let message =
            "The XML you provided was not well-formed or did not validate against our published schema";
        return Err(refuse(S3ErrorCode::MalformedXML, message));
    }
    rules.iter().try_for_each(check_rule)?;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    bucket.settings.lifecycle = input.lifecycle_configuration;
    Ok(PutBucketLifecycleConfigurationOutput::default())
}

fn check_rule(rule: &LifecycleRule) -> S3Result<()> {
    let filter = rule.filter.as_ref();
    let narrow = filter.is_some_and(|filter| {
        filter.and.is_some()
            || filter.tag.is_some()
            || filter.object_size_greater_than.is_some()
            || filter.object_size_less_than.is_some()
    });
    let later = rule.transitions.is_some()
        || rule.noncurrent_version_expiration.is_some()
        || rule.noncurrent_version_transitions.is_some();
    let dated = rule.expiration.as_ref().is_some_and(|each| each.date.is_some());
    if narrow || later || dated {
        return Err(not_implemented(
            "such lifecycle rule: prefixes, days and incomplete uploads alone are known",
        ));
    }
    if rule.abort_incomplete_multipart_upload.is_none() && rule.expiration.is_none() {
        return Err(invalid_request("At least one action needs to be specified in a rule."));
    }
    let abort = rule.abort_incomplete_multipart_upload.as_ref().and_then(|each| each.days_after_initiation);
    let expire = rule.expiration.as_ref().and_then(|each| each.days);
    if abort.into_iter().chain(expire).any(|days| days < 1) {
        let message = "'Days' for a lifecycle action must be a positive integer";
        return Err(refuse(S3ErrorCode::InvalidArgument, message));
    }
    Ok(())
}

pub(super) async fn delete_bucket_lifecycle(
    front: &Frontend,
    request: S3Request<DeleteBucketLifecycleInput>,
) -> S3Result<DeleteBucketLifecycleOutput> {
    let input = request.input;
    let mut world = front.world();
    let owner = input.expected_bucket_owner.as_deref();
    front.bucket(&mut world.storage, &input.bucket, owner)?.settings.lifecycle = None;
    Ok(DeleteBucketLifecycleOutput::default())
}

pub(super) async fn get_bucket_tagging(
    front: &Frontend,
    request: S3Request<GetBucketTaggingInput>,
) -> S3Result<GetBucketTaggingOutput> {
    let input = request.input;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    match bucket.settings.tags.as_slice() {
        [] => Err(none_set("NoSuchTagSet", "TagSet")),
        tags => Ok(GetBucketTaggingOutput { tag_set: tags.to_vec() }),
    }
}

pub(super) async fn put_bucket_tagging(
    front: &Frontend,
    request: S3Request<PutBucketTaggingInput>,
) -> S3Result<PutBucketTaggingOutput> {
    let input = request.input;
    let tags = check_tags(input.tagging.tag_set, 50)?;
    let mut world = front.world();
    let owner = input.expected_bucket_owner.as_deref();
    front.bucket(&mut world.storage, &input.bucket, owner)?.settings.tags = tags;
    Ok(PutBucketTaggingOutput::default())
}

pub(super) async fn delete_bucket_tagging(
    front: &Frontend,
    request: S3Request<DeleteBucketTaggingInput>,
) -> S3Result<DeleteBucketTaggingOutput> {
    let input = request.input;
    let mut world = front.world();
    let owner = input.expected_bucket_owner.as_deref();
    front.bucket(&mut world.storage, &input.bucket, owner)?.settings.tags.clear();
    Ok(DeleteBucketTaggingOutput::default())
}

/// Versioning is never on here, and cannot be put on.
pub(super) async fn get_bucket_versioning(
    front: &Frontend,
    request: S3Request<GetBucketVersioningInput>,
) -> S3Result<GetBucketVersioningOutput> {
    let input = request.input;
    let owner = input.expected_bucket_owner.as_deref();
    front.bucket(&mut front.world().storage, &input.bucket, owner)?;
    Ok(GetBucketVersioningOutput::default())
}
