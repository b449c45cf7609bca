//! The real SDK against the embedded cloud.

mod conformance;
mod firewall;
mod images;
mod keys;
mod launch;
mod moto;
mod poller;
mod preflight;
mod support;
mod terminate;
