//! What a command works with: the story, its journal, its cloud.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories::account::DefaultChain;
use ec2_stories::ec2::PublicAddress;
use ec2_stories::image::Encryption;
use ec2_stories::model::{Image, Name};
use ec2_stories::provider::{AccountProvider, InstanceDeployer, TupleStore};
use ec2_stories::sim::{Latencies, Sim};
use ec2_stories::story::{AccountSpec, Story};
use ec2_stories::terminal::note;
use ec2_stories::{Clock, Deployment, Ec2, FileStore, MemoryStore, S3, SystemClock};

use jiff::Timestamp;

use crate::args::{CloudKind, OnStory};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::image::{Uploader, Way};
use crate::live::{self, Reach};
use crate::lock::Lock;

/// A story that was read, with its journal.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) on: OnStory,
    pub(crate) story: Story,
    pub(crate) store: Arc<dyn TupleStore>,
}

impl Session {
    pub(crate) fn open(on: OnStory) -> Result<Self, Failure> {
        let story = Story::open(&on.story)?;
        let store: Arc<dyn TupleStore> = match on.cloud {
            CloudKind::Aws => Arc::new(FileStore::open(on.state.join("journal"))?),
            CloudKind::Embedded => Arc::new(MemoryStore::new()),
        };
        Ok(Self { on, story, store })
    }

    /// As [`open`](Self::open), for commands that look at what another process did.
    pub(crate) fn open_lasting(on: OnStory) -> Result<Self, Failure> {
        if on.cloud == CloudKind::Embedded {
            return Err(Failure::new(
                Exit::Usage,
                "the embedded cloud ends with its process: only plan and start make sense on it; \
                 for one that stays, run `ec2-stories sim` and set AWS_ENDPOINT_URL",
            ));
        }
        Self::open(on)
    }

    pub(crate) fn name(&self) -> &Name {
        &self.story.spec().name
    }

    /// The right to change the deployment; nobody else knows of an embedded one.
    pub(crate) fn lock(&self) -> Result<Option<Lock>, Failure> {
        match self.on.cloud {
            CloudKind::Aws => Lock::take(&self.on.state, self.name()).map(Some),
            CloudKind::Embedded => Ok(None),
        }
    }

    /// The deployment, on its cloud.
    pub(crate) async fn deployment(&self) -> Result<Deployment, Failure> {
        Ok(self.connect().await?.0)
    }

    /// Connects to the cloud; gives the deployment, and the instances that it is made of.
    pub(crate) async fn connect(&self) -> Result<(Deployment, Arc<dyn InstanceDeployer>), Failure> {
        let (ec2, s3, clock): (Ec2, S3, Arc<dyn Clock>) = match self.on.cloud {
            CloudKind::Aws => {
                let reach = live::allow(&self.services(), |name| std::env::var(name).ok())?;
                let config = ec2_stories::aws::sdk_config(self.account()).await?;
                let ec2 = Ec2::builder().config(&config).boot_times(self.store.clone());
                let ec2 = match (reach, std::env::var_os("EC2_STORIES_MY_ADDRESS")) {
                    (Reach::Loopback, None) => ec2.public_address(Loopback).build(),
                    _ => ec2.build(),
                };
                (ec2, S3::from_config(&config), Arc::new(SystemClock))
            }
            CloudKind::Embedded => {
                note("embedded cloud: everything in it ends with this process");
                let region = self.story.account().and_then(|account| account.region.clone());
                let sim = Sim::builder().latency(quick()).maybe_region(region).build();
                // Nobody could add them to a cloud that begins with this process.
                let profiles = self.story.spec().fleets.iter().filter_map(|f| f.instance_profile.as_deref());
                profiles.for_each(|profile| sim.add_instance_profile(profile));
                let config = sim.sdk_config();
                (Ec2::from_config(&config), S3::from_config(&config), sim.clock())
            }
        };
        let uploader = Uploader::new(self.way(), &ec2, &s3, self.store.clone());
        let ec2 = Arc::new(ec2);
        let deployment = self.story.deployment(ec2.clone(), self.store.clone(), clock)?;
        let mut deployment = deployment.uploading_with(Arc::new(uploader));
        if let Some(holder) = self.holder() {
            deployment = deployment.held_by(holder);
        }
        Ok((deployment, ec2))
    }

    /// Who has the deployment while this process has its lock: on this machine, and with this folder, one at a time. Where the machine
    /// has no name of its own a start after a crash waits for the lease.
    fn holder(&self) -> Option<String> {
        let machine = std::fs::read_to_string("/etc/machine-id").ok()?;
        let folder = self.on.state.canonicalize().ok()?;
        Some(format!("{} on machine {}", folder.display(), machine.trim()))
    }

    /// The time of day.
    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// The services that the story takes.
    fn services(&self) -> Vec<&'static str> {
        let assumes = self.story.account().is_some_and(|account| account.role.is_some());
        let has_files = self.story.spec().fleets.iter().any(|fleet| matches!(fleet.image, Image::File(_)));
        let uploads = has_files.then_some(match self.way() {
            Way::Bucket(_) => "S3",
            Way::Direct(_) => "EBS",
        });
        ["EC2"].into_iter().chain(assumes.then_some("STS")).chain(uploads).collect()
    }

    /// How images that are files come to the cloud.
    fn way(&self) -> Way {
        let bucket = self.story.account().and_then(|account| account.image_bucket.clone());
        bucket.map_or(Way::Direct(Encryption::default()), Way::Bucket)
    }

    fn account(&self) -> Arc<dyn AccountProvider> {
        self.story.account().map_or_else(|| Arc::new(DefaultChain::new()) as Arc<_>, AccountSpec::provider)
    }
}

/// What a cloud on this machine sees this program under; nobody beyond it is asked.
#[derive(Debug)]
struct Loopback;

#[async_trait]
impl PublicAddress for Loopback {
    async fn find(&self) -> ec2_stories::Result<IpAddr> {
        Ok(Ipv4Addr::LOCALHOST.into())
    }
}

/// Machines that boot, and images that are made, while one watches.
pub(crate) fn quick() -> Latencies {
    let second = Duration::from_secs(1);
    Latencies::builder()
        .boot(2 * second)
        .terminate(second)
        .import(second)
        .import_per_gib(second)
        .snapshot(second)
        .snapshot_per_gib(second)
        .register(second)
        .copy(second)
        .copy_per_gib(second)
        .build()
}
