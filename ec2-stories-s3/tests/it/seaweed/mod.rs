//! Against SeaweedFS. Starting it takes seconds, and each test has its own: few tests that do much.

mod buckets;
mod cuts;
mod objects;
mod proxy;
pub(crate) mod server;
mod tuples;
