//! S3, on s3s: it reads requests and writes replies; what happens in between is here.

mod blob;
mod buckets;
mod checksum;
mod complete;
mod conditions;
mod error;
mod exchange;
mod frontend;
mod gate;
mod given;
mod host;
mod lifecycle;
mod list;
mod multipart;
mod objects;
mod receive;
mod serve;
mod signature;
pub(crate) mod state;

pub(crate) use host::{Host, host_of};
pub(crate) use serve::serve;
