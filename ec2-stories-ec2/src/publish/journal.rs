//! The publication's tuple: `images/REGION/HASH-OF-THE-NAME`, as a name has characters that a tuple's may not have.

use std::sync::Arc;

use ec2_stories_core::model::Region;
use ec2_stories_core::provider::{Expect, TupleStore};
use ec2_stories_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::Publication;
use crate::images::token;

/// The format of the record; another is refused, not guessed at.
const FORMAT: u64 = 1;

#[derive(Debug)]
pub(super) struct Journal {
    store: Arc<dyn TupleStore>,
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Record<T> {
    format: u64,
    record: T,
}

impl Journal {
    pub(super) fn new(store: Arc<dyn TupleStore>, region: &Region, image: &str) -> Self {
        Self { store, name: format!("images/{region}/{}", &token(&["image", image])[..32]) }
    }

    pub(super) async fn read(&self) -> Result<Option<Publication>> {
        let Some(tuple) = self.store.get(&self.name).await? else { return Ok(None) };
        let corrupt =
            |why: String| Error::new(ErrorKind::Corrupt, why).during("read the journal").on(&self.name);
        let Record { format, record } = serde_json::from_slice::<Record<serde_json::Value>>(&tuple.value)
            .map_err(|error| corrupt(error.to_string()))?;
        if format != FORMAT {
            return Err(corrupt(format!("it has format {format}, and this version reads format {FORMAT}")));
        }
        serde_json::from_value(record).map(Some).map_err(|error| corrupt(error.to_string()))
    }

    /// Two processes that publish the same do the same steps, each of which is made once: the last one's word holds.
    pub(super) async fn write(&self, publication: &Publication) -> Result<()> {
        let encode = |error: serde_json::Error| Error::new(ErrorKind::Unexpected, error.to_string());
        let record = Record { format: FORMAT, record: publication };
        let value = serde_json::to_vec(&record).map_err(encode)?;
        self.store.put(&self.name, &value, Expect::Anything).await.map(drop)
    }

    pub(super) async fn remove(&self) -> Result<()> {
        self.store.delete(&self.name, Expect::Anything).await
    }
}
