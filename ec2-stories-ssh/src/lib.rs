//! Nodes over SSH: readiness, commands, customization, copies and bundles.
