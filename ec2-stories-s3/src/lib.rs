//! EC2 Stories on S3, through the AWS SDK.

mod api;
mod bucket;
mod client;
mod error;
mod gc;
mod object;
mod progress;
mod tuples;
pub mod upload;
pub mod web;

pub use bucket::{
    Bucket, BucketInfo, BucketSpec, Created, Emptied, Encryption, KeyFailure, Lifetime, NotApplied,
};
pub use client::S3;
pub use gc::StaleUpload;
pub use object::{
    Body, Copied, CopyOptions, Entry, FetchOptions, Fetched, Listed, ObjectInfo, Presigned, PutOptions,
    Reading, Stored,
};
pub use progress::{ProgressSender, progress, watched};
pub use tuples::S3Tuples;
pub use upload::Progress;
