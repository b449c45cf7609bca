//! Story files: a deployment, written down as TOML.
//!
//! The schema is the builders': a story is read into the same [`DeploymentSpec`] that
//! [`Deployment::builder`](crate::Deployment::builder) makes, and [`to_toml`] writes one back.
//!
//! ```toml
#![doc = include_str!("example.toml")]
//! ```
//!
//! # Keys
//! Of the story, beside `[account]`: `name`, `mode` (`dev`, `production`), `tags`, and
//! `limits = { nodes, launches_per_hour, launches }`.
//!
//! Of a `[[fleet]]`; only the first three are required:
//!
//! | Key | Value |
//! | --- | --- |
//! | `name`, `nodes`, `image` | as in the example |
//! | `at_least` | with fewer live nodes the fleet has failed; all of them where not said |
//! | `after` | the fleets that must be ready before: `["db"]` |
//! | `architecture` | `"x86_64"` or `"arm64"`, for a public image |
//! | `instance_types` | the preferred first; the next where there is no room |
//! | `zones` or `subnets` | the preferred first |
//! | `public_ip` | `true` or `false`; the subnet's default where not said |
//! | `market` | `"on_demand"` or `"spot"` |
//! | `key`, `firewall`, `user_data` | see the short forms |
//! | `login` | how nodes are logged in to; an image that is not a public one needs the `user` for steps and bundles: `{ user, port, private_key, address = "private", host_keys = { known_hosts = "…" } }`; host keys may also be `{ pinned = "ssh-ed25519 …" }`, `{ authority = "…" }`, `"console"`, `{ injected = "file" }` |
//! | `security_groups` | ids of existing ones, beside the fleet's own |
//! | `instance_profile` | an existing one's name |
//! | `volumes` | `[{ gib = 20 }, { device = "/dev/sdf", gib = 100, type = "gp3", iops, throughput, snapshot, kms_key }]`; one without a device is the root volume |
//! | `metadata` | `{ require_token = true, hop_limit = 1, tags = false }` |
//! | `tags` | `{ team = "shop" }` |
//! | `launch_timeout` | from launch to running: `"10m"` |
//! | `expires_after` | how long its nodes outlive their controller: `"4h"`, `"never"`; an hour in dev mode, for ever in production |
//! | `steps` | what is done to each node once it runs, over SSH: see below |
//! | `probe` | what it means that a node lives: see below |
//! | `health` | how nodes are watched and replaced, all of it with defaults: `{ startup_timeout = "10m", period = "10s", timeout = "5s", failure_threshold = 3, success_threshold = 2, dead_after = "2m", flapping = { count = 4, within = "10m" }, max_in_flight = "10%", max_unhealthy = "20%", back_off = { first = "30s", longest = "1h", forgotten_after = "1h" }, intensity = { count = 5, within = "1h" }, replace = "terminate_first", drain = "30s" }`; `replace` may be `"launch_first"` or `"never"`, shares may be numbers of nodes |
//! | `bundle` | an application that is deployed by copy, after the steps: `"dist/"`, or `{ source = "dist.tar.gz", folder = "/srv" }` |
//!
//! # Steps
//! `steps = [{ packages = { apt = ["nginx"] } }, { service = { name = "nginx" } }]`: in this order, each node by itself; what is
//! so already is left alone. They are done while a node comes up, as the bundle is; where the story has others now, live nodes are
//! gone over again at the next `start` or `update`. Paths of this machine are relative to the story. Each takes `undo = true` where it shall be
//! taken back when the node goes.
//!
//! | Step | Keys |
//! | --- | --- |
//! | `packages` | `apt`, `dnf`: names, or `"name=version"`; `lists = "1h"`, `lock = "5m"`, `timeout = "30m"` |
//! | `file` | `path`, and `text = "…"` or `source = "file"`; `template = true` for references in a source; `mode = "0640"`, `owner`, `group` |
//! | `folder` | `path`, `source`; `exactly = true` removes what is more; `owner`, `group` |
//! | `command` | `run = ["…"]` or `shell = "…"`; `name`, `only_if = ["…"]`, `unless = ["…"]`, `creates = "/path"`, `env = { … }`, `folder`, `user`, `stdin`, `timeout = "15m"`; `undo = ["…"]` |
//! | `user` | `name`, `groups`, `shell`, `home`, `system = true` |
//! | `authorized_keys` | `user`, `keys`, `exactly = true` |
//! | `service` | `name`, `unit = "…"`; `enabled = false`, `started = false`, `restart = false` |
//! | `heartbeat` | `to = "https://10.0.0.5:7443"`, `key_file`; `every = "30s"`, `ca`, in PEM or `{ file = "ca.pem" }`, `in_the_clear = true` |
//!
//! # Probes
//! `probe = { http = { port = 80, path = "/health" } }`: one thing is asked, at the address that the node is logged in to. Each may have
//! `failures = 3` and `successes = 2`: its answer changes only once it was given so many times in a row. Every kind that asks the node has
//! `timeout = "5s"`; those that connect have `address = "private"`.
//!
//! | Probe | Keys |
//! | --- | --- |
//! | `tcp = 22` | `port` |
//! | `http` | `port`; `path = "/"`; `tls = true`, which is so on port 443; `status = "200-299"`; `body = "regex"`; `answered = { header = "regex" }`; `method = "HEAD"`; `headers = { … }`; `host`; `redirects = { on_node = 3 }` or `{ anywhere = 3 }`; `ca`, in PEM, or `pinned`, in PEM or `"sha256:…"`, both also `{ file = "ca.pem" }` |
//! | `tls_expiry = 443` | `port`; `at_least = "14days"`; `host` |
//! | `command = ["systemctl", "is-active", "web"]` | `run`; `status = 0`, `user`; over SSH |
//! | `icmp = true` | |
//! | `heartbeat = { … }` | `listen = "10.0.0.5:7443"`, `key_file`; `certificate` and `private_key`, files in PEM, or `in_the_clear = true`; `within = "90s"`; the step `heartbeat` has nodes send them |
//! | `cloud_state = true` | |
//! | `all_of = [ … ]`, `any_of = [ … ]`, `not = { … }` | probes |
//!
//! # Short forms
//!
//! | Written | Means |
//! | --- | --- |
//! | `image = "ami-…"` | this very image; `{ public = "debian-12" }` and `{ newest = { owner = "self", name = "web-*" } }` are found when the deployment starts |
//! | `image = { file = "web.raw" }` | the image in this file, its path relative to the story; uploaded and registered when the deployment starts, unless the account has it, straight into a snapshot or, where `[account]` says `image_bucket = "…"`, through that bucket; `{ file = { path = "web.raw", name = "web-7", boot_mode = "uefi" } }` says more |
//! | `firewall = [{ tcp = 443, from = "anywhere" }]` | rules; ports are `443` or `"8000-8100"` for `tcp` and `udp`, `true` for `icmp`, `icmpv6` and `all` |
//! | `from = …` | `"anywhere"`, `"my-address"`, `"fleet:web"`, `"sg-…"` or a network |
//! | `user_data = { file = "boot.sh" }` | the file's text, its path relative to the story; `{ text = "…" }` has it in place; `literal = true` leaves every `${…}` alone, `gzip = true` sends it compressed |
//! | `user_data = { cloud_config = { packages = ["nginx"] } }` | any of cloud-init's keys, every text in it with late references; a plan notes keys that cloud-init does not know; `{ script = "…" }` is a shell script, `{ parts = [{ cloud_config = { … } }, { script = "…" }] }` several at once |
//! | `key = { public_key_file = "id.pub" }` | imports the public key; `{ public_key = "ssh-ed25519 …" }` has it in place, `{ existing = "name" }` uses one, `{ generated = "id" }` makes one and puts the private key there |
//! | `market = "spot"` | spot at the on-demand price; `{ spot = { max_price = "0.01" } }` caps it |
//!
//! # References
//! `${db/0.private_ip}` in user data is resolved when the fleet is launched, after the fleets in its `after`.
//! `$${` is a plain `${`. Nodes have the attributes [`Attributes::PUBLISHED`](crate::Attributes::PUBLISHED).
//!
//! # Errors
//! What cannot be read, a key that nobody knows, a value that is out of range and a reference to what is not there
//! are a [`StoryError`]: file, line, column and the line itself.

mod account;
mod customized;
mod error;
mod forms;
mod places;
mod probes;
#[cfg(feature = "ec2")]
mod provider;
mod tree;
mod write;

use std::path::Path;
use std::sync::Arc;

use ec2_stories_core::memory::MemoryCloud;
use ec2_stories_core::model::{DeploymentSpec, Name};
use ec2_stories_core::provider::{Cloud, TupleStore};
use ec2_stories_core::{Clock, Deployment, MemoryStore, SystemClock};
use ec2_stories_ssh::step::Step;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

pub use account::{AccountSource, AccountSpec};
pub use error::StoryError;
pub use write::to_toml;

use customized::Customized;
use places::{Places, cited};
use probes::Probes;
use tree::Wrong;

/// A story that was read: a deployment's description and the account that it is for.
#[derive(Clone, Debug)]
pub struct Story {
    spec: DeploymentSpec,
    account: Option<AccountSpec>,
    customized: Customized,
    probes: Probes,
    file: String,
    source: String,
    places: Places,
}

impl Story {
    /// Reads a story file. Paths in it are relative to the file.
    ///
    /// # Errors
    /// [`StoryError`], with the place.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoryError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let source = std::fs::read_to_string(path).map_err(|error| StoryError::unreadable(&file, &error))?;
        Self::read(source, file, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads a story. Paths in it are relative to the current folder.
    ///
    /// # Errors
    /// [`StoryError`], with the place.
    pub fn parse(text: impl Into<String>) -> Result<Self, StoryError> {
        Self::read(text.into(), "story".to_owned(), Path::new(""))
    }

    fn read(source: String, file: String, folder: &Path) -> Result<Self, StoryError> {
        let wrong = |Wrong { span, message }| {
            let span = cited(&source, span.clone(), &message).unwrap_or(span);
            StoryError::new(&file, &source, span, message)
        };
        let unreadable = |error: toml::de::Error| {
            wrong(Wrong::new(error.span().unwrap_or_default(), plain(error.message())))
        };
        let root = DeTable::parse(&source).map_err(unreadable)?;
        let (span, mut root) = (root.span(), root.into_inner());
        forms::write_out(&mut root, folder).map_err(wrong)?;
        let places = Places::of(&root);
        let account = match root.remove("account") {
            None => None,
            Some(account) => {
                let place = account.span();
                let field = |name: &str| places.find(&format!("account.{name}")).unwrap_or(place.clone());
                let read = AccountSpec::deserialize(ValueDeserializer::from(account)).map_err(unreadable)?;
                Some(read.checked(field, folder).map_err(wrong)?)
            }
        };
        let customized = Customized::take(&mut root, folder).map_err(unreadable)?;
        let probes = Probes::take(&mut root).map_err(wrong)?;
        let root = ValueDeserializer::from(Spanned::new(span, DeValue::Table(root)));
        let spec = DeploymentSpec::deserialize(root).map_err(unreadable)?;
        let story = Self { spec, account, customized, probes, file, source, places };
        story.check()?;
        Ok(story)
    }

    /// The description.
    #[must_use]
    pub fn spec(&self) -> &DeploymentSpec {
        &self.spec
    }

    /// The account, where the story names one.
    #[must_use]
    pub fn account(&self) -> Option<&AccountSpec> {
        self.account.as_ref()
    }

    /// The field's place in the file, for a finding or an error about it: line and column, from 1.
    #[must_use]
    pub fn place(&self, field: &str) -> Option<(usize, usize)> {
        let error = StoryError::new(&self.file, &self.source, self.places.find(field)?, "");
        Some((error.line(), error.column()))
    }

    /// The deployment that it describes, on this cloud.
    ///
    /// # Errors
    /// [`StoryError`], with the place, for what [`Deployment::from_spec`] refuses.
    pub fn deployment(
        &self,
        cloud: Arc<dyn Cloud>,
        journal: Arc<dyn TupleStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Deployment, StoryError> {
        let described =
            Deployment::from_spec(self.spec.clone(), cloud.clone(), journal.clone(), clock.clone());
        let deployment = described.and_then(|deployment| {
            let customized =
                self.customized.add_to(deployment, cloud.clone(), journal.clone(), clock.clone())?;
            self.probes.add_to(customized, cloud, journal, clock)
        });
        deployment.map_err(|error| self.at(&error))
    }

    /// What is done to each node of a fleet, in order.
    #[must_use]
    pub fn steps(&self, fleet: &Name) -> &[Step] {
        self.customized.steps(fleet)
    }

    /// Sees whether what is done to nodes can be done: they have a user to log in as, the files, folders and bundles of this
    /// machine can be read, and what they refer to is there. Before a start, and not before the end.
    ///
    /// # Errors
    /// [`StoryError`], with the place.
    pub fn check_customizing(&self) -> Result<(), StoryError> {
        let logins = self.customized.check_logins(&self.spec);
        let checked = logins.and_then(|()| self.customized.check_content(&self.spec));
        checked
            .and_then(|()| self.probes.check_logins(&self.spec))
            .and_then(|()| self.probes.check_files())
            .map_err(|error| self.at(&error))
    }

    /// Writes it as a story file, in the short forms, without the account. Read again, it is equal.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for what TOML cannot say.
    pub fn to_toml(&self) -> crate::Result<String> {
        write::written(&self.spec, &self.customized, &self.probes)
    }

    fn check(&self) -> Result<(), StoryError> {
        let (cloud, journal) = (Arc::new(MemoryCloud::new()), Arc::new(MemoryStore::new()));
        self.deployment(cloud, journal, Arc::new(SystemClock)).map(drop)
    }

    fn at(&self, error: &crate::Error) -> StoryError {
        let field = error.resource().unwrap_or_default();
        let whole = self.places.whole(field).unwrap_or_default();
        let span = cited(&self.source, whole, error.message())
            .or_else(|| self.places.find(field))
            .unwrap_or_default();
        StoryError::new(&self.file, &self.source, span, error.message())
    }
}

/// The reader's words, without Rust's names of types.
fn plain(message: &str) -> String {
    const WORDS: [(&str, &str); 8] = [
        // What is read apart from the description stands among what is expected.
        ("`expires_after`, `health`", "`expires_after`, `health`, `probe`, `steps`, `bundle`"),
        ("`limits`, `tags`, `fleet`", "`limits`, `tags`, `account`, `fleet`"),
        ("expected u8", "expected a whole number from 0 to 255"),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected a duration", "expected a duration such as \"90s\" or \"10m\""),
        ("unknown variant", "there is no"),
    ];
    WORDS.iter().fold(message.to_owned(), |message, (theirs, ours)| message.replace(theirs, ours))
}
