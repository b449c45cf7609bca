//! Keys that were verified once, kept per instance.

use std::sync::Arc;

use ec2_stories_core::model::InstanceId;
use ec2_stories_core::provider::{Expect, TupleStore, Version};
use ec2_stories_core::{Error, ErrorKind, Result, Status};
use russh::keys::PublicKey;
use serde::{Deserialize, Serialize};

use super::known::same;

/// What is kept of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    keys: Vec<String>,
    /// The host was asked to replace its injected key by these, and has not been seen to have done so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rotating: bool,
    /// What the store calls it; nothing for one that was not stored yet.
    #[serde(skip)]
    version: Option<Version>,
}

impl Record {
    pub(crate) fn new(keys: &[PublicKey], rotating: bool) -> Result<Self> {
        let keys: Result<Vec<_>, _> = keys.iter().map(PublicKey::to_openssh).collect();
        let keys = keys
            .map_err(|error| Error::new(ErrorKind::Unexpected, "a key cannot be written").because(error))?;
        Ok(Self { keys, rotating, version: None })
    }

    pub(crate) fn keys(&self) -> Result<Vec<PublicKey>> {
        let keys: Result<Vec<_>, _> = self.keys.iter().map(|key| PublicKey::from_openssh(key)).collect();
        keys.map_err(|error| {
            Error::new(ErrorKind::Corrupt, "a remembered host key is damaged").because(error)
        })
    }
}

/// Keeps records in a store.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Arc<dyn TupleStore>);

impl Memory {
    pub(crate) fn new(store: Arc<dyn TupleStore>) -> Self {
        Self(store)
    }

    pub(crate) async fn recall(&self, id: &InstanceId) -> Result<Option<Record>> {
        let name = name(id);
        let Some(tuple) = self.0.get(&name).await? else { return Ok(None) };
        let record: Record = serde_json::from_slice(&tuple.value).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "the remembered host keys cannot be read").on(name).because(error)
        })?;
        Ok(Some(Record { version: Some(tuple.version), ..record }))
    }

    /// Remembers a key that was verified for an instance of which none was. Where another program was first, its key
    /// counts: the next login says so.
    pub(crate) async fn learn(&self, id: &InstanceId, key: &PublicKey) -> Result<()> {
        match self.write(id, &Record::new(std::slice::from_ref(key), false)?, Expect::Absent).await {
            Err(error) if error.kind() == ErrorKind::Conflict => self.agrees(id, key).await,
            written => written,
        }
    }

    async fn agrees(&self, id: &InstanceId, key: &PublicKey) -> Result<()> {
        let record = self.recall(id).await?;
        let keys = record.map(|record| record.keys()).transpose()?.unwrap_or_default();
        if keys.iter().any(|known| same(known, key)) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, "another program verified another key for this instance")
            .on(id.to_string()))
    }

    /// The host was seen with this key of its own: the injected one is not accepted any more.
    pub(crate) async fn settle(&self, id: &InstanceId, key: &PublicKey) -> Result<()> {
        let settled = match self.recall(id).await? {
            Some(record) if record.rotating => {
                let over = record.version.clone();
                self.replace(id, &Record { rotating: false, ..record }, over).await
            }
            _ => return self.agrees(id, key).await,
        };
        match settled {
            Err(error) if error.kind() == ErrorKind::Conflict => self.agrees(id, key).await,
            settled => settled,
        }
    }

    /// Says what the keys will be, unless another program has said something since `before` was recalled.
    pub(crate) async fn announce(
        &self,
        id: &InstanceId,
        keys: &[PublicKey],
        before: Option<Record>,
    ) -> Result<()> {
        let over = before.and_then(|record| record.version);
        match self.replace(id, &Record::new(keys, true)?, over).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Err(busy(id).because(error)),
            announced => announced,
        }
    }

    async fn replace(&self, id: &InstanceId, record: &Record, over: Option<Version>) -> Result<()> {
        self.write(id, record, over.map_or(Expect::Absent, Expect::Unchanged)).await
    }

    async fn write(&self, id: &InstanceId, record: &Record, expect: Expect) -> Result<()> {
        let value = serde_json::to_vec(record).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "a record cannot be written").because(error)
        })?;
        self.0.put(&name(id), &value, expect).await.map(drop)
    }
}

/// Two programs must not replace a key at once; the one that is late tries again and finds the new one.
pub(crate) fn busy(id: &InstanceId) -> Error {
    Error::new(ErrorKind::Conflict, "another program replaces the injected host key just now")
        .status(Status::Temporary)
        .on(id.to_string())
}

fn name(id: &InstanceId) -> String {
    format!("ssh/host-keys/{id}")
}
