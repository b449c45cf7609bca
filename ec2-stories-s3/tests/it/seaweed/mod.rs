//! Against SeaweedFS. Starting it takes seconds, and each test has its own: few tests that do much.

mod buckets;
mod cuts;
mod objects;
<<<<<<< HEAD
pub(crate) mod server;
=======
mod proxy;
mod server;
>>>>>>> s3-objects
mod tuples;
