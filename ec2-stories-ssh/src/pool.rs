//! One session a host.
