//! What most programs need: `use ec2_stories::prelude::*;`

pub use std::sync::Arc;

#[cfg(any(feature = "ec2", feature = "s3"))]
pub use ec2_stories_core::account::{AssumedRole, DefaultChain, SharedProfile};
pub use ec2_stories_core::account::{Chain, Environment, SecretFile, StaticAccount};
pub use ec2_stories_core::attributes::Template;
pub use ec2_stories_core::deployment::{EventKind, NodeStatus};
pub use ec2_stories_core::model::{
    Architecture, CloudConfig, FirewallPolicy, Image, InstanceState, KeyPairSpec, Limits, Market,
    MetadataOptions, Mode, Name, NodeAddress, ShellScript, Source, Tags, UserData, Volume,
};
pub use ec2_stories_core::probe::{self, ProbeExt, Tcp, probe_fn};
#[cfg(feature = "probes")]
pub use ec2_stories_core::probe::{Http, TlsExpiry};
pub use ec2_stories_core::provider::{
    AccountProvider, Cloud, Customizer, Firewall, ImageRegistry, InstanceDeployer, KeyPairs, Monitor, Probe,
    Registrar, TupleStore,
};
pub use ec2_stories_core::{
    Attributes, Clock, Deployment, Error, ErrorKind, Event, FileStore, Fleet, MemoryStore, Plan, Report,
    Result, Running, SystemClock,
};
#[cfg(feature = "ec2")]
pub use ec2_stories_ec2::Ec2;
#[cfg(feature = "s3")]
pub use ec2_stories_s3::{Bucket, BucketSpec, S3, S3Tuples};
#[cfg(feature = "sim")]
pub use ec2_stories_sim::{ImageSeed, Latencies, Sim};
#[cfg(feature = "ssh")]
pub use ec2_stories_ssh::step::{self, Packages, Run, Service, Step, Steps};
