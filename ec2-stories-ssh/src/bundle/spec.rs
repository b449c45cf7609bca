//! A bundle as data: where it is, and where it goes.

use std::path::PathBuf;

use async_trait::async_trait;
use ec2_stories_core::provider::{Customizer, Node, StepReport};
use ec2_stories_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::Bundle;
use crate::step::Nodes;

/// A bundle as a story file says it: `bundle = "dist/"`, or `{ source = "dist/", folder = "~/apps" }`. It is read when it is
/// needed first, so that a deployment can be taken down without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct BundleSpec {
    /// The folder or archive.
    pub source: PathBuf,
    /// The folder of the node that it is put into; `/opt` where not said.
    pub folder: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a path, or { source = \"dist/\", folder = \"/opt\" }")]
enum Form {
    Short(PathBuf),
    Long(Long),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    source: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
}

impl From<Form> for BundleSpec {
    fn from(form: Form) -> Self {
        match form {
            Form::Short(source) => Self { source, folder: None },
            Form::Long(Long { source, folder }) => Self { source, folder },
        }
    }
}

impl From<BundleSpec> for Form {
    fn from(BundleSpec { source, folder }: BundleSpec) -> Self {
        if folder.is_none() { Self::Short(source) } else { Self::Long(Long { source, folder }) }
    }
}

impl BundleSpec {
    /// Reads the bundle.
    ///
    /// # Errors
    /// As [`Bundle::open`].
    pub fn open(&self) -> Result<Bundle> {
        let bundle = Bundle::open(&self.source)?;
        match &self.folder {
            Some(folder) => bundle.folder(folder),
            None => Ok(bundle),
        }
    }

    /// The customizer that it describes, which gets to nodes like this.
    #[must_use]
    pub fn over(self, nodes: Nodes) -> impl Customizer + 'static {
        Described { spec: self, nodes, bundle: tokio::sync::OnceCell::new() }
    }
}

#[derive(Debug)]
struct Described {
    spec: BundleSpec,
    nodes: Nodes,
    bundle: tokio::sync::OnceCell<Bundle>,
}

impl Described {
    async fn bundle(&self) -> Result<&Bundle> {
        let open = || async {
            let spec = self.spec.clone();
            let opened = tokio::task::spawn_blocking(move || spec.open()).await;
            let broken = |error| Error::new(ErrorKind::Unexpected, "the bundle was not read").because(error);
            Ok(opened.map_err(broken)??.over(self.nodes.clone()))
        };
        self.bundle.get_or_try_init(open).await
    }
}

#[async_trait]
impl Customizer for Described {
    fn name(&self) -> String {
        format!("bundle {}", self.spec.source.display())
    }

    async fn revision(&self) -> Result<String> {
        self.bundle().await?.revision().await
    }

    async fn customize(&self, node: &Node) -> Result<Vec<StepReport>> {
        self.bundle().await?.customize(node).await
    }

    async fn undo(&self, node: &Node) -> Result<Vec<StepReport>> {
        self.bundle().await?.undo(node).await
    }

    async fn settle(&self) {
        self.nodes.settle().await;
    }
}
