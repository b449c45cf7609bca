//! What most programs need: `use ec2_stories::prelude::*;`

pub use ec2_stories_core::attributes::Template;
