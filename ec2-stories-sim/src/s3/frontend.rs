//! S3's operations as s3s calls them; each is in the file of its family.

use std::sync::{Arc, MutexGuard};

use async_trait::async_trait;
use jiff::Timestamp;
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use super::blob::Writer;
use super::exchange::Exchange;
use super::gate::Gate;
use super::host::Host;
use crate::latency::Latencies;
use crate::sim::Sim;
use crate::world::World;

/// S3 as one call sees it.
#[derive(Clone, Debug)]
pub(crate) struct Frontend {
    sim: Sim,
    pub(super) exchange: Arc<Exchange>,
    /// The region that the caller signed for.
    pub(super) region: String,
    /// The region that the host names.
    pub(super) endpoint: Option<String>,
    pub(super) account: String,
}

impl Frontend {
    pub(super) fn new(gate: &Gate, host: Option<&str>) -> Self {
        let world = gate.sim.world();
        let region = gate.signer.as_ref().map_or_else(|| world.home().to_owned(), |s| s.region.clone());
        let endpoint = host.and_then(Host::read).and_then(|host| host.region);
        Self {
            sim: gate.sim.clone(),
            exchange: gate.exchange.clone(),
            region,
            endpoint: endpoint.map(str::to_owned),
            account: world.account().to_owned(),
        }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.sim.world();
        let now = self.sim.now();
        super::lifecycle::settle(&mut world.storage, now);
        world
    }

    pub(super) fn now(&self) -> Timestamp {
        self.sim.now()
    }

    pub(super) fn writer(&self) -> Writer {
        Writer::new(self.sim.world().storage.spool.clone())
    }

    /// The time from an upload's last byte to its effect.
    pub(super) async fn arrive(&self) {
        let Latencies { request, .. } = self.sim.world().latencies;
        self.sim.clock.sleep(request).await;
    }
}

/// Simulated time in s3s' words.
pub(super) fn date(time: Timestamp) -> s3s::dto::Timestamp {
    std::time::SystemTime::from(time).into()
}

/// Hands each operation to the function of its name. Reads of objects choose their status themselves.
macro_rules! operations {
    ($($operation:ident($input:ty) -> $output:ty = $family:ident,)*) => {
        #[async_trait]
        impl S3 for Frontend {
            $(
                async fn $operation(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    super::$family::$operation(self, request).await.map(S3Response::new)
                }
            )*

            async fn get_object(
                &self,
                request: S3Request<GetObjectInput>,
            ) -> S3Result<S3Response<GetObjectOutput>> {
                super::objects::get_object(self, request).await
            }

            async fn head_object(
                &self,
                request: S3Request<HeadObjectInput>,
            ) -> S3Result<S3Response<HeadObjectOutput>> {
                super::objects::head_object(self, request).await
            }
        }
    };
}

operations! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput = buckets,
    head_bucket(HeadBucketInput) -> HeadBucketOutput = buckets,
    list_buckets(ListBucketsInput) -> ListBucketsOutput = buckets,
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = buckets,
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = buckets,
    get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput = settings,
    put_bucket_encryption(PutBucketEncryptionInput) -> PutBucketEncryptionOutput = settings,
    delete_bucket_encryption(DeleteBucketEncryptionInput) -> DeleteBucketEncryptionOutput = settings,
    get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput)
        -> GetBucketLifecycleConfigurationOutput = settings,
    put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput)
        -> PutBucketLifecycleConfigurationOutput = settings,
    delete_bucket_lifecycle(DeleteBucketLifecycleInput) -> DeleteBucketLifecycleOutput = settings,
    get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput = settings,
    put_bucket_ownership_controls(PutBucketOwnershipControlsInput) -> PutBucketOwnershipControlsOutput = settings,
    delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput)
        -> DeleteBucketOwnershipControlsOutput = settings,
    get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput = settings,
    put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput = settings,
    delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput = settings,
    get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput = settings,
    put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput = settings,
    delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput = settings,
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput = settings,
    get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput = settings,
    put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput = settings,
    delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput = settings,
    put_object(PutObjectInput) -> PutObjectOutput = objects,
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = objects,
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = objects,
    copy_object(CopyObjectInput) -> CopyObjectOutput = copy,
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput = object_tags,
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput = object_tags,
    put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput = object_tags,
    delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput = object_tags,
    list_objects(ListObjectsInput) -> ListObjectsOutput = list,
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = list,
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = list,
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = multipart,
    upload_part(UploadPartInput) -> UploadPartOutput = multipart,
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = copy,
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = multipart,
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = complete,
    list_parts(ListPartsInput) -> ListPartsOutput = multipart,
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = list,
}
