//! The cloud that images are in, and the journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ec2_stories::account::DefaultChain;
use ec2_stories::provider::TupleStore;
use ec2_stories::sim::Sim;
use ec2_stories::terminal::note;
use ec2_stories::{Ec2, FileStore, MemoryStore, S3};

use super::args::At;
use crate::args::CloudKind;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::live;
use crate::session::quick;

/// A cloud that was connected to.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) ec2: Ec2,
    pub(super) s3: S3,
    embedded: bool,
}

impl Place {
    /// Connects, unless one of the services is beyond this machine and that was not allowed.
    pub(super) async fn open(at: &At, services: &[&str]) -> Result<Self, Failure> {
        let config = match at.cloud {
            CloudKind::Aws => {
                live::allow(services, |name| std::env::var(name).ok())?;
                let account = match &at.region {
                    Some(region) => DefaultChain::new().region(region.as_str()),
                    None => DefaultChain::new(),
                };
                ec2_stories::aws::sdk_config(Arc::new(account)).await?
            }
            CloudKind::Embedded => {
                note("embedded cloud: everything in it ends with this process");
                Sim::builder().latency(quick()).maybe_region(at.region.clone()).build().sdk_config()
            }
        };
        let (ec2, s3) = (Ec2::from_config(&config), S3::from_config(&config));
        Ok(Self { ec2, s3, embedded: at.cloud == CloudKind::Embedded })
    }

    /// Allows one more service, as [`open`](Self::open) does.
    pub(super) fn also(&self, services: &[&str]) -> Result<(), Failure> {
        if self.embedded {
            return Ok(());
        }
        live::allow(services, |name| std::env::var(name).ok()).map(drop)
    }

    /// As [`open`](Self::open), for commands on what another process made.
    pub(super) async fn open_lasting(at: &At, services: &[&str]) -> Result<Self, Failure> {
        if at.cloud == CloudKind::Embedded {
            let why = "the embedded cloud ends with its process: only upload and publish make sense on it; \
                       for one that stays, run `ec2-stories sim` and set AWS_ENDPOINT_URL";
            return Err(Failure::new(Exit::Usage, why));
        }
        Self::open(at, services).await
    }

    /// The folder beside a file.
    pub(super) fn journal_of(file: &Path) -> PathBuf {
        file.parent().unwrap_or(Path::new("")).join(".ec2-stories").join("images")
    }

    /// Where it is remembered how far the work on a file is: beside the file, unless said otherwise.
    pub(super) fn journal(
        &self,
        file: &Path,
        journal: Option<&Path>,
    ) -> Result<Arc<dyn TupleStore>, Failure> {
        if self.embedded {
            return Ok(Arc::new(MemoryStore::new()));
        }
        let folder = journal.map_or_else(|| Self::journal_of(file), Path::to_owned);
        Ok(Arc::new(FileStore::open(folder)?))
    }
}

/// The services that a way to the cloud takes.
pub(super) fn services(through_bucket: bool) -> &'static [&'static str] {
    if through_bucket { &["EC2", "S3"] } else { &["EC2", "EBS"] }
}
