//! Part of EC2 Stories.
