//! Customizing nodes: packages, files, commands, users, services.
//!
//! A [`Step`] is plain data, and what a story file says is the same. [`Steps`] runs several in order, over one session a
//! node; each kind is a [`Customizer`] by itself, too.
//!
//! ```
//! use ec2_stories_core::attributes::Template;
//! use ec2_stories_ssh::step::{File, Packages, Run, Service, Steps};
//!
//! # fn main() -> ec2_stories_core::Result<()> {
//! let web = Steps::new([Packages::apt(["nginx"])])
//!     .then(File::template("/etc/nginx/db.conf", Template::new("set $db ${db/0.private_ip};\n")?))
//!     .then(Run::new(["nginx", "-t"]))
//!     .then(Service::named("nginx"));
//! # Ok(())
//! # }
//! ```
//!
//! # What all steps keep to
//! - They run as root: by sudo where the login's user is another. Where sudo says no, they run as that user.
//! - What is as it should be is left alone, and is reported as unchanged. Each may be dropped and repeated.
//! - A command whose `only_if` does not hold is not for this node: it is reported as skipped, and the next step runs.
//! - What they must know later (what was there before, that a command ran) is in a file of root on the node,
//!   `/etc/ec2-stories/steps.json`, written before the change.
//! - Undo takes back those that ask for it (`undo`). A step that does not ask is left as it is: a node's end takes it along.
//! - A node that cannot be reached, or whose link breaks on the way, is a temporary error; all else that goes wrong is the
//!   step's failure.

mod authorized_keys;
mod before;
mod command;
mod file;
mod folder;
mod heartbeat;
mod host;
mod listing;
mod mode;
mod nodes;
mod packages;
mod payload;
mod place;
mod service;
mod state;
mod steps;
mod user;

use async_trait::async_trait;
use ec2_stories_core::Result;
use ec2_stories_core::attributes::{Reference, Template};
use ec2_stories_core::provider::{Customizer, Node, StepReport};
use serde::{Deserialize, Serialize};

pub use authorized_keys::AuthorizedKeys;
pub use command::Run;
pub use file::File;
pub use folder::Folder;
pub use heartbeat::Heartbeat;
pub use mode::Mode;
pub use nodes::Nodes;
pub use packages::Packages;
pub use service::Service;
pub use steps::Steps;
pub use user::User;

use host::Host;

/// One customization, as plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Packages of the distribution.
    Packages(Packages),
    /// A file.
    File(File),
    /// A folder with all that is in it.
    Folder(Folder),
    /// A command.
    Command(Run),
    /// A user.
    User(User),
    /// Who may log in as a user.
    AuthorizedKeys(AuthorizedKeys),
    /// A service of systemd.
    Service(Service),
    /// Heartbeats that the node sends.
    Heartbeat(Heartbeat),
}

/// What a kind of step does.
#[async_trait]
pub(crate) trait Apply: Send + Sync {
    /// What it does, for people.
    fn title(&self) -> String;

    /// What it is about: a step that is described anew but has the same key is the same one.
    fn key(&self) -> String;

    /// Refuses what cannot be meant. Fields are named from the step's own table.
    fn check(&self) -> Result<()>;

    /// What is resolved on the node.
    fn templates(&self) -> Vec<&Template> {
        Vec::new()
    }

    /// Reads what is sent from this machine; returns what that refers to. Fields are named as by `check`.
    fn read_sources(&self) -> Result<Vec<Reference>> {
        Ok(Vec::new())
    }

    /// Whether undo takes it back.
    fn is_undone(&self) -> bool;

    /// Whether it has something to do whenever a step before it changed the node.
    fn heeds_changes(&self) -> bool {
        false
    }

    /// The hash of what it takes from this machine.
    async fn content(&self) -> Result<String> {
        Ok(String::new())
    }

    /// Whether it is for this node, as that is now. One that is not is skipped.
    async fn is_meant(&self, _: &Host) -> Result<bool> {
        Ok(true)
    }

    /// Brings the node to where it should be. Returns whether that changed it.
    async fn apply(&self, host: &mut Host) -> Result<bool>;

    /// Takes it back. Returns whether that changed the node.
    async fn take_back(&self, host: &mut Host) -> Result<bool>;
}

impl Step {
    /// What it does, for people.
    #[must_use]
    pub fn title(&self) -> String {
        self.kind().title()
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](ec2_stories_core::ErrorKind::Invalid), naming the field: `file.path`.
    pub fn check(&self) -> Result<()> {
        self.kind().check()
    }

    /// Sees whether what it sends from this machine can be read, and gives what is resolved on the node: in its own texts, and
    /// in files whose references it resolves.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](ec2_stories_core::ErrorKind::Invalid), naming the field: `file.source`.
    pub fn references(&self) -> Result<Vec<Reference>> {
        let mut references = self.kind().read_sources()?;
        let own = self.kind().templates();
        references.extend(own.into_iter().flat_map(Template::references).cloned());
        Ok(references)
    }
}

/// What every kind has: it is a step, and a customizer of its own.
macro_rules! kinds {
    ($($kind:ident => $variant:ident),* $(,)?) => {
        impl Step {
            pub(crate) fn kind(&self) -> &dyn Apply {
                match self {
                    $(Self::$variant(kind) => kind,)*
                }
            }
        }

        $(
            impl From<$kind> for Step {
                fn from(kind: $kind) -> Self {
                    Self::$variant(kind)
                }
            }

            #[async_trait]
            impl Customizer for $kind {
                fn name(&self) -> String {
                    self.title()
                }

                async fn revision(&self) -> Result<String> {
                    Steps::new([self.clone()]).revision().await
                }

                async fn customize(&self, node: &Node) -> Result<Vec<StepReport>> {
                    Steps::new([self.clone()]).customize(node).await
                }

                async fn undo(&self, node: &Node) -> Result<Vec<StepReport>> {
                    Steps::new([self.clone()]).undo(node).await
                }
            }
        )*
    };
}

kinds! {
    Packages => Packages,
    File => File,
    Folder => Folder,
    Run => Command,
    User => User,
    AuthorizedKeys => AuthorizedKeys,
    Service => Service,
    Heartbeat => Heartbeat,
}

/// An optional field that is left away where it says nothing.
fn is_false(value: &bool) -> bool {
    !value
}
