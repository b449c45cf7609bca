//! S3, on s3s: it reads requests and writes replies; what happens in between is here.

pub(crate) mod blob;
mod buckets;
mod checksum;
mod complete;
mod conditions;
mod copy;
mod error;
mod exchange;
mod frontend;
mod gate;
mod given;
pub(crate) mod hooks;
mod host;
mod lifecycle;
mod list;
mod multipart;
mod object_tags;
mod objects;
mod receive;
mod serve;
mod settings;
mod signature;
pub(crate) mod state;

pub(crate) use host::{Host, host_of};
pub(crate) use serve::serve;
