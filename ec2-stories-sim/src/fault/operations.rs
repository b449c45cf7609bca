//! The names that a rule's pattern can match.

use crate::filter::wildcard;
use crate::wire::generated::{ec2, sts};

/// Operations whose names do not come from a table of the API model.
const S3: [&str; 44] = [
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateBucket",
    "CreateMultipartUpload",
    "DeleteBucket",
    "DeleteBucketEncryption",
    "DeleteBucketLifecycle",
    "DeleteBucketOwnershipControls",
    "DeleteBucketPolicy",
    "DeleteBucketTagging",
    "DeleteObject",
    "DeleteObjectTagging",
    "DeleteObjects",
    "DeletePublicAccessBlock",
    "GetBucketEncryption",
    "GetBucketLifecycleConfiguration",
    "GetBucketLocation",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketTagging",
    "GetBucketVersioning",
    "GetObject",
    "GetObjectAttributes",
    "GetObjectTagging",
    "GetPublicAccessBlock",
    "HeadBucket",
    "HeadObject",
    "ListBuckets",
    "ListMultipartUploads",
    "ListObjectVersions",
    "ListObjects",
    "ListObjectsV2",
    "ListParts",
    "PutBucketEncryption",
    "PutBucketLifecycleConfiguration",
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
    "PutBucketTagging",
    "PutObject",
    "PutObjectTagging",
    "PutPublicAccessBlock",
    "UploadPart",
    "UploadPartCopy",
];

/// EBS direct.
const EBS: [&str; 6] = [
    "CompleteSnapshot",
    "GetSnapshotBlock",
    "ListChangedBlocks",
    "ListSnapshotBlocks",
    "PutSnapshotBlock",
    "StartSnapshot",
];

/// Refuses a pattern that no operation has, which would wait for its call forever.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    let tables = [ec2::Operation::NAMES, sts::Operation::NAMES, &S3, &EBS];
    if tables.into_iter().flatten().any(|name| wildcard(pattern, name)) {
        return Ok(());
    }
    let near = tables.into_iter().flatten().find(|name| name.eq_ignore_ascii_case(pattern));
    let hint = near.map(|name| format!("; there is `{name}`")).unwrap_or_default();
    Err(format!("no simulated operation is called `{pattern}`{hint}"))
}
