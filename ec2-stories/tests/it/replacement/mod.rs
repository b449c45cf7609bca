//! How long it takes until a node that died is replaced.

mod death;
mod measure;
mod page;
mod sshd;
