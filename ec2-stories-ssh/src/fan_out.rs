//! One job on many nodes.
