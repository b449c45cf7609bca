//! Attributes: what a deployment learned at run time, and the templates that read it late.

mod path;
mod template;
mod tree;

pub use path::AttributePath;
pub use template::{Reference, Scope, Template};
pub use tree::Attributes;
