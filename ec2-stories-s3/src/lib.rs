//! EC2 Stories on S3, through the AWS SDK: buckets, objects, tuples and uploads, and plain HTTP for what is no S3.
//!
//! ```no_run
//! use std::sync::Arc;
//! use ec2_stories_core::provider::{AccountProvider, Expect};
//! use ec2_stories_s3::{Body, BucketSpec, PutOptions, S3};
//!
//! async fn keep(account: Arc<dyn AccountProvider>) -> ec2_stories_core::Result<()> {
//!     let s3 = S3::connect(account).await?;
//!     // Private, encrypted, and again for the same bucket a success.
//!     let bucket = s3.create_bucket(&BucketSpec::builder().name("example-images").build()?).await?.bucket;
//!     let new = PutOptions::builder().expect(Expect::Absent).build();
//!     bucket.put_with("web.raw", Body::file("web.raw"), new).await?;
//!     bucket.fetch("web.raw", "copy.raw").await?;
//!     Ok(())
//! }
//! ```
//!
//! | To | Use |
//! | --- | --- |
//! | create, find and remove buckets, of a deployment too | [`S3::create_bucket`], [`S3::find_bucket`], [`S3::remove_buckets`], [`Bucket::remove`] |
//! | store an object: bytes, a file, a stream of any length | [`Bucket::put_with`]; [`upload::Upload`] goes on after its process was killed |
//! | read one: whole, a range, as a stream, into a file | [`Bucket::get`], [`Bucket::get_range`], [`Bucket::read`], [`Bucket::fetch_with`] |
//! | look at, list, copy, remove objects | [`Bucket::head`], [`Bucket::list`], [`Bucket::browse`], [`Bucket::copy`], [`Bucket::delete`] |
//! | let somebody without an account at one | [`Bucket::presign_get`], [`Bucket::presign_put`] |
//! | remove what uploads left behind | [`Bucket::gc`] |
//! | keep a deployment's journal | [`S3Tuples`] |
//! | talk to any web site | [`web::Web`] |
//!
//! # Servers
//! AWS, and any server of its language: an endpoint is given to [`S3::builder`], or by `AWS_ENDPOINT_URL_S3` or
//! `AWS_ENDPOINT_URL`, and buckets are named in the path then. A setting that such a server does not know is named in
//! [`Created::not_applied`]; from AWS that would be an error. Checksums are sent as headers, which servers that know no CRC64NVME
//! ignore: what they store is not compared then, and [`Fetched::verified`] says so.
//!
//! # Errors and calls
//! Errors are the family's: kind, status and S3's own code. What was refused for old credentials is asked again with new ones.
//! A change whose reply was lost is *ambiguous*, unless it is a conditional one: those are settled by looking. The SDK repeats
//! single calls; [`S3::calls`] counts them.
//!
//! # Tracing
//! | Span or event | Level | Fields |
//! | --- | --- | --- |
//! | span `s3.call`, around every API call with its retries | info | `operation`, `resource`, `error` (code) |
//! | event in it, `done` or `failed` | debug | `error` |
//! | event `cut off`, when a download goes on | debug | `at`, `cuts`, `error` |
//!
//! No field and no error holds a secret; presigned addresses are secrets.

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
