//! The EBS direct APIs: snapshots written and read block by block.
//!
//! Source: "Amazon Elastic Block Store direct APIs" API reference, and the EBS user guide, "Use the EBS direct APIs".

mod call;
mod read;
mod refusal;
mod serve;
pub(crate) mod state;
mod write;

use refusal::Refusal;
