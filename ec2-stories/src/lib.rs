//! EC2 Stories.
