//! Integration tests: real OpenSSH servers on loopback.

mod commands;
mod files;
mod host_keys;
mod links;
mod login;
mod support;
