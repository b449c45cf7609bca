//! What S3 holds: buckets of every region under one set of names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use s3s::dto;

use super::blob::{Blob, Spool};
use super::checksum::{Algorithm, Sum};

#[derive(Debug, Default)]
pub(crate) struct Storage {
    pub(crate) buckets: BTreeMap<String, Bucket>,
    /// Names that belong to other accounts.
    pub(crate) foreign: BTreeSet<String>,
    pub(crate) spool: Arc<Spool>,
    /// Buckets that a test means to leave behind.
    pub(crate) kept_buckets: BTreeSet<String>,
    /// Prefixes of keys, by bucket, that a test means to leave behind.
    pub(crate) kept_objects: BTreeSet<(String, String)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) region: String,
    pub(crate) created: Timestamp,
    pub(crate) objects: BTreeMap<String, Object>,
    /// By key, then id: the order of ListMultipartUploads.
    pub(crate) uploads: BTreeMap<(String, String), Upload>,
    pub(crate) settings: Settings,
}

impl Bucket {
    pub(crate) fn new(region: &str, created: Timestamp) -> Self {
        Self {
            region: region.to_owned(),
            created,
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            settings: Settings::default(),
        }
    }
}

/// What a bucket's sub-resources say; none where nothing was put.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) tags: Vec<dto::Tag>,
    pub(crate) lifecycle: Option<dto::BucketLifecycleConfiguration>,
    pub(crate) encryption: Option<dto::ServerSideEncryptionConfiguration>,
    pub(crate) public_access: Option<dto::PublicAccessBlockConfiguration>,
    pub(crate) ownership: Option<dto::OwnershipControls>,
    pub(crate) policy: Option<String>,
}

/// Source: S3 user guide, defaults of new buckets since April 2023: public access blocked, ACLs off. (Encryption by
/// SSE-S3 is what GetBucketEncryption shows of a bucket without a configuration.)
impl Default for Settings {
    fn default() -> Self {
        let rule = dto::OwnershipControlsRule {
            object_ownership: dto::ObjectOwnership::from_static(dto::ObjectOwnership::BUCKET_OWNER_ENFORCED),
        };
        Self {
            tags: Vec::new(),
            lifecycle: None,
            encryption: None,
            public_access: Some(dto::PublicAccessBlockConfiguration {
                block_public_acls: Some(true),
                block_public_policy: Some(true),
                ignore_public_acls: Some(true),
                restrict_public_buckets: Some(true),
            }),
            ownership: Some(dto::OwnershipControls { rules: vec![rule] }),
            policy: None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) blob: Blob,
    /// Without its quotes.
    pub(crate) etag: String,
    pub(crate) sum: Sum,
    pub(crate) modified: Timestamp,
    pub(crate) attributes: Attributes,
    pub(crate) tags: Vec<dto::Tag>,
    /// Of an object that came in parts: their numbers, sizes and checksums.
    pub(crate) parts: Vec<(i32, u64, Sum)>,
}

/// What a caller says of an object beside its bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) expires: Option<dto::Timestamp>,
    pub(crate) metadata: dto::Metadata,
    pub(crate) storage_class: Option<dto::StorageClass>,
    pub(crate) encryption: Option<dto::ServerSideEncryption>,
    pub(crate) kms_key: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) initiated: Timestamp,
    /// None if the caller named no algorithm: then S3 computes CRC64NVME.
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) full: bool,
    pub(crate) attributes: Attributes,
    pub(crate) tags: Vec<dto::Tag>,
    pub(crate) parts: BTreeMap<i32, Part>,
}

#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) blob: Blob,
    pub(crate) etag: String,
    pub(crate) sum: Sum,
    /// What the caller's own checksum was held against, if its upload was begun without an algorithm.
    pub(crate) shown: Sum,
    pub(crate) modified: Timestamp,
}
