//! Part of EC2 Stories.

mod wire;
