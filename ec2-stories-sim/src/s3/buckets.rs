//! Buckets: made, found, deleted.

use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::error::{access_denied, custom, refuse};
use super::frontend::{Frontend, date};
use super::given::check_acl;
use super::state::{self, Storage};

/// The region whose buckets name no location: CreateBucket, LocationConstraint.
const FIRST_REGION: &str = "us-east-1";
const MOST: usize = 10_000;

impl Frontend {
    /// A bucket that this account may use, by the right endpoint.
    pub(super) fn bucket<'a>(
        &self,
        storage: &'a mut Storage,
        name: &str,
        expected_owner: Option<&str>,
    ) -> S3Result<&'a mut state::Bucket> {
        if storage.foreign.contains(name) {
            return Err(access_denied());
        }
        let bucket = storage.buckets.get_mut(name).ok_or_else(no_such_bucket)?;
        if expected_owner.is_some_and(|owner| owner != self.account) {
            return Err(access_denied());
        }
        if self.region == bucket.region {
            return Ok(bucket);
        }
        if self.endpoint.as_ref() == Some(&bucket.region) {
            let message = format!(
                "The authorization header is malformed; the region '{}' is wrong; expecting '{}'",
                self.region, bucket.region
            );
            return Err(elsewhere(custom("AuthorizationHeaderMalformed", 400, message), &bucket.region));
        }
        let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please \
                       send all future requests to this endpoint.";
        Err(elsewhere(refuse(S3ErrorCode::PermanentRedirect, message), &bucket.region))
    }
}

pub(super) fn no_such_bucket() -> S3Error {
    refuse(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist")
}

/// Source: "Making requests to Amazon S3 buckets": where a bucket is, is in a header of the refusal.
fn elsewhere(mut error: S3Error, region: &str) -> S3Error {
    if let Ok(region) = http::HeaderValue::from_str(region) {
        let name = http::HeaderName::from_static("x-amz-bucket-region");
        let xml = http::HeaderValue::from_static("application/xml");
        error.set_headers(http::HeaderMap::from_iter([(name, region), (http::header::CONTENT_TYPE, xml)]));
    }
    error
}

pub(super) async fn create_bucket(
    front: &Frontend,
    request: S3Request<CreateBucketInput>,
) -> S3Result<CreateBucketOutput> {
    let input = request.input;
    let granted = input.grant_full_control.is_some()
        || input.grant_read.is_some()
        || input.grant_read_acp.is_some()
        || input.grant_write.is_some()
        || input.grant_write_acp.is_some();
    check_acl(input.acl.as_ref().map(BucketCannedACL::as_str), granted)?;
    if input.object_lock_enabled_for_bucket == Some(true) {
        return Err(super::error::not_implemented("object locks"));
    }
    let configuration = input.create_bucket_configuration.as_ref();
    check_location(front, configuration.and_then(|c| c.location_constraint.as_ref()))?;
    let mut world = front.world();
    let storage = &mut world.storage;
    if storage.foreign.contains(&input.bucket) {
        let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                       system. Please select a different name and try again.";
        return Err(refuse(S3ErrorCode::BucketAlreadyExists, message));
    }
    let output = CreateBucketOutput { location: Some(format!("/{}", input.bucket)) };
    if let Some(bucket) = storage.buckets.get(&input.bucket) {
        // Source: CreateBucket, error BucketAlreadyOwnedByYou: in us-east-1 it succeeds.
        if bucket.region == FIRST_REGION && front.region == FIRST_REGION {
            return Ok(output);
        }
        let message = "Your previous request to create the named bucket succeeded and you already own it.";
        return Err(refuse(S3ErrorCode::BucketAlreadyOwnedByYou, message));
    }
    if storage.buckets.len() >= MOST {
        let message = "You have attempted to create more buckets than allowed";
        return Err(refuse(S3ErrorCode::TooManyBuckets, message));
    }
    let mut bucket = state::Bucket::new(&front.region, front.now());
    if let Some(ownership) = input.object_ownership {
        let rule = OwnershipControlsRule { object_ownership: ownership };
        bucket.settings.ownership = Some(OwnershipControls { rules: vec![rule] });
    }
    storage.buckets.insert(input.bucket, bucket);
    Ok(output)
}

fn check_location(front: &Frontend, given: Option<&BucketLocationConstraint>) -> S3Result<()> {
    let given = given.map(BucketLocationConstraint::as_str).filter(|text| !text.is_empty());
    let region = front.endpoint.as_deref().unwrap_or(&front.region);
    match given {
        None if region == FIRST_REGION => Ok(()),
        Some(FIRST_REGION) if region == FIRST_REGION => {
            let message = "The specified location-constraint is not valid";
            Err(refuse(S3ErrorCode::InvalidLocationConstraint, message))
        }
        Some(given) if given == region => Ok(()),
        given => {
            let message = format!(
                "The {} location constraint is incompatible for the region specific endpoint this request was sent to.",
                given.unwrap_or("unspecified")
            );
            Err(refuse(S3ErrorCode::IllegalLocationConstraintException, message))
        }
    }
}

pub(super) async fn head_bucket(
    front: &Frontend,
    request: S3Request<HeadBucketInput>,
) -> S3Result<HeadBucketOutput> {
    let input = request.input;
    let mut world = front.world();
    let owner = input.expected_bucket_owner.as_deref();
    let bucket = front.bucket(&mut world.storage, &input.bucket, owner)?;
    Ok(HeadBucketOutput { bucket_region: Some(bucket.region.clone()), ..HeadBucketOutput::default() })
}

pub(super) async fn delete_bucket(
    front: &Frontend,
    request: S3Request<DeleteBucketInput>,
) -> S3Result<DeleteBucketOutput> {
    let input = request.input;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    if !bucket.objects.is_empty() {
        return Err(refuse(S3ErrorCode::BucketNotEmpty, "The bucket you tried to delete is not empty"));
    }
    // Parts of uploads go with it: DeleteBucket asks for no objects only.
    world.storage.buckets.remove(&input.bucket);
    Ok(DeleteBucketOutput::default())
}

pub(super) async fn list_buckets(
    front: &Frontend,
    request: S3Request<ListBucketsInput>,
) -> S3Result<ListBucketsOutput> {
    let input = request.input;
    let most = usize::try_from(input.max_buckets.unwrap_or(10_000)).unwrap_or_default();
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.continuation_token.clone().unwrap_or_default();
    let world = front.world();
    let mut wanted = world.storage.buckets.iter().filter(|(name, bucket)| {
        name.starts_with(&prefix)
            && (after.is_empty() || **name > after)
            && input.bucket_region.as_ref().is_none_or(|region| *region == bucket.region)
    });
    let buckets: Vec<Bucket> = wanted
        .by_ref()
        .take(most)
        .map(|(name, bucket)| Bucket {
            bucket_region: Some(bucket.region.clone()),
            creation_date: Some(date(bucket.created)),
            name: Some(name.clone()),
        })
        .collect();
    let more = wanted.next().is_some();
    Ok(ListBucketsOutput {
        continuation_token: buckets.last().filter(|_| more).and_then(|bucket| bucket.name.clone()),
        buckets: Some(buckets),
        owner: Some(front.owner()),
        prefix: input.prefix,
    })
}

pub(super) async fn get_bucket_location(
    front: &Frontend,
    request: S3Request<GetBucketLocationInput>,
) -> S3Result<GetBucketLocationOutput> {
    let input = request.input;
    let mut world = front.world();
    let owner = input.expected_bucket_owner.as_deref();
    let region = front.bucket(&mut world.storage, &input.bucket, owner)?.region.clone();
    let location_constraint = (region != FIRST_REGION).then(|| region.into());
    Ok(GetBucketLocationOutput { location_constraint })
}

impl Frontend {
    /// Accounts have a canonical id of 64 hexadecimal digits beside their number.
    pub(super) fn owner(&self) -> Owner {
        Owner { display_name: None, id: Some(format!("{:0>64}", self.account)) }
    }
}
