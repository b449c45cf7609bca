//! The provider traits: what a deployment needs from a cloud, a node and a network.
//!
//! Every trait is object-safe, its docs are the contract for implementers, and the feature `conformance` has a suite
//! that checks it. Errors are [`Error`](crate::Error): retry looks at the status only.

pub(crate) mod account;
pub(crate) mod customizer;
pub(crate) mod firewall;
pub(crate) mod image_registry;
pub(crate) mod image_uploader;
pub(crate) mod instance_deployer;
pub(crate) mod key_pairs;
pub(crate) mod messenger;
pub(crate) mod monitor;
pub(crate) mod probe;
pub(crate) mod registrar;
pub(crate) mod tuple_store;

use std::fmt;
use std::sync::Arc;

pub use account::AccountProvider;
pub use customizer::{Customizer, StepOutcome, StepReport};
pub use firewall::Firewall;
pub use image_registry::ImageRegistry;
pub use image_uploader::{ImageUploader, UploadProgress, UploadedImage};
pub use instance_deployer::{Finding, Goal, InstanceDeployer, Severity, Termination};
pub use key_pairs::KeyPairs;
pub use messenger::{Messenger, Method, Reply, Request};
pub use monitor::{Hold, Monitor, Verdict};
pub use probe::{Liveness, Probe};
pub use registrar::{Registrar, Registration};
pub use tuple_store::{Expect, Tuple, TupleStore, Version};

use crate::attributes::Attributes;
pub use crate::image::{ImageFormat, ImageSource, ImageSpec};
use crate::model::{Instance, LoginSpec, Name, NodeAddress};

/// All that a deployment needs from a cloud; implemented by whatever has the parts.
pub trait Cloud: InstanceDeployer + ImageRegistry + Firewall + KeyPairs {}

impl<T: InstanceDeployer + ImageRegistry + Firewall + KeyPairs + ?Sized> Cloud for T {}

/// A shared cloud.
pub type SharedCloud = Arc<dyn Cloud>;

/// A node with a running instance, as customizers, probes and registrars see it.
#[derive(Clone, Debug)]
pub struct Node {
    /// The deployment.
    pub deployment: Name,
    /// The node.
    pub address: NodeAddress,
    /// Its instance, as last seen.
    pub instance: Instance,
    /// What the deployment has learned so far.
    pub attributes: Attributes,
    /// How it is logged in to.
    pub login: LoginSpec,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.address, self.instance.id)
    }
}
