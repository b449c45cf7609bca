//! The embedded cloud: AWS's own ways, faults, and virtual time.

mod answers;
mod buckets;
mod objects;
mod tuples;
