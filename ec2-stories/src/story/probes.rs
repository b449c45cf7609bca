//! What a story says of its nodes' liveness: a key of a fleet that is not the core's, read as the types of those who ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use ec2_stories_core::model::{DeploymentSpec, FleetSpec, LoginSpec, Name};
use ec2_stories_core::probe::{
    CloudState, HeartbeatSpec, Http, Icmp, ProbeExt, Tcp, Thresholds, TlsExpiry, all_of, any_of, not,
};
use ec2_stories_core::provider::{Cloud, InstanceDeployer, Probe, TupleStore};
use ec2_stories_core::{Clock, Deployment, Error, Result};
use ec2_stories_ssh::step::Nodes;
use ec2_stories_ssh::{CloudConsole, CommandProbe};
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::plain;
use super::tree::{Checked, Value, Wrong};

const PROBE: &str = "probe";
const FAILURES: &str = "failures";
const SUCCESSES: &str = "successes";

/// Each kind as a story calls it.
const KINDS: [&str; 10] =
    ["tcp", "http", "tls_expiry", "command", "icmp", "heartbeat", "cloud_state", "all_of", "any_of", "not"];

/// The probe of each fleet that has one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Probes(BTreeMap<Name, Described>);

/// A probe, or a member of one.
#[derive(Clone, Debug, PartialEq)]
struct Described {
    kind: Kind,
    failures: Option<u32>,
    successes: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Tcp(Tcp),
    Http(Box<Http>),
    TlsExpiry(TlsExpiry),
    Command(CommandProbe),
    Icmp(Icmp),
    Heartbeat(HeartbeatSpec),
    CloudState,
    AllOf(Vec<Described>),
    AnyOf(Vec<Described>),
    Not(Box<Described>),
}

/// What probes reach nodes with.
struct Means {
    cloud: CloudState,
    nodes: Nodes,
    clock: Arc<dyn Clock>,
}

impl Probes {
    /// Takes the key out of the story.
    pub(super) fn take(root: &mut DeTable<'_>) -> Checked<Self> {
        let mut probes = Self::default();
        let Some(DeValue::Array(fleets)) = root.get_mut("fleet").map(toml::Spanned::get_mut) else {
            return Ok(probes);
        };
        for fleet in fleets.iter_mut() {
            let DeValue::Table(fleet) = fleet.get_mut() else { continue };
            // A fleet without a good name is refused with the rest of it.
            let name = fleet.get("name").and_then(|name| name.get_ref().as_str());
            let name = name.and_then(|name| Name::new(name).ok());
            if let Some(probe) = fleet.remove(PROBE) {
                let probe = described(probe)?;
                probes.0.extend(name.map(|name| (name, probe)));
            }
        }
        Ok(probes)
    }

    /// Adds them to the deployment. They reach nodes with what it has.
    pub(super) fn add_to(
        &self,
        mut deployment: Deployment,
        cloud: Arc<dyn Cloud>,
        journal: Arc<dyn TupleStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Deployment> {
        let cloud: Arc<dyn InstanceDeployer> = cloud;
        let nodes = Nodes::new()
            .remembered_in(journal)
            .clock(Arc::clone(&clock))
            .console(Arc::new(CloudConsole::of(Arc::clone(&cloud))));
        let means = Means { cloud: CloudState::of(cloud), nodes, clock };
        let mut listeners = Vec::new();
        for (fleet, probe) in &self.0 {
            let mut probe = probe.clone();
            let shared = probe.share(&mut listeners);
            shared.map_err(|error| error.within(format!("fleet.{fleet}.probe.heartbeat")))?;
            deployment = deployment.probed(fleet, probe.build(&means))?;
        }
        Ok(deployment)
    }

    /// Sees whether the nodes that a command runs on can be logged in to.
    pub(super) fn check_logins(&self, spec: &DeploymentSpec) -> Result<()> {
        let asked = |fleet: &&FleetSpec| self.0.get(&fleet.name).is_some_and(Described::logs_in);
        match spec.fleets.iter().filter(asked).find(|fleet| LoginSpec::of(fleet).user.is_none()) {
            Some(fleet) => {
                let why = "a command needs the user of this image: login = { user = \"…\" }";
                Err(Error::invalid(format!("fleet.{}.login", fleet.name), why))
            }
            None => Ok(()),
        }
    }

    /// Sees whether what is read on this machine can be.
    pub(super) fn check_files(&self) -> Result<()> {
        for (fleet, probe) in &self.0 {
            let readable = probe.heartbeats().into_iter().try_for_each(HeartbeatSpec::check_files);
            readable.map_err(|error| error.within(format!("fleet.{fleet}.probe.heartbeat")))?;
        }
        Ok(())
    }

    /// Writes a fleet's key into its table.
    pub(super) fn write(&self, fleet: &mut toml::Table) -> Result<(), toml::ser::Error> {
        let name = fleet.get("name").and_then(toml::Value::as_str).and_then(|name| Name::new(name).ok());
        if let Some(probe) = name.and_then(|name| self.0.get(&name)) {
            fleet.insert(PROBE.to_owned(), probe.written()?);
        }
        Ok(())
    }
}

/// Reads one, with its members.
fn described(value: Value<'_>) -> Checked<Described> {
    let span = value.span();
    let DeValue::Table(mut table) = value.into_inner() else {
        return Err(Wrong::new(span, "a probe is a table, such as { tcp = 22 } or { http = { port = 80 } }"));
    };
    let mut threshold = |key: &str| table.remove(key).map(count).transpose();
    let (failures, successes) = (threshold(FAILURES)?, threshold(SUCCESSES)?);
    let expected = || format!("expected one of {}", KINDS.map(|kind| format!("`{kind}`")).join(", "));
    let asks = |key: &str| KINDS.contains(&key);
    let kind = table.keys().map(|key| key.get_ref().to_string()).find(|key| asks(key));
    if let Some(kind) = kind
        && let Some(key) = table.keys().find(|key| !asks(key.get_ref()))
    {
        return Err(Wrong::new(key.span(), outside(&kind, key.get_ref())));
    }
    let mut entries = table.into_iter();
    let Some((key, value)) = entries.next() else {
        return Err(Wrong::new(span, format!("a probe asks something: {}", expected())));
    };
    if let Some((second, _)) = entries.next() {
        let why = format!(
            "a probe asks one thing: put {} and {} into all_of = [ … ]",
            key.get_ref(),
            second.get_ref()
        );
        return Err(Wrong::new(second.span(), why));
    }
    let kind = match key.get_ref().as_ref() {
        "tcp" => Kind::Tcp(on_port(value)?),
        "http" => Kind::Http(Box::new(page(value)?)),
        "tls_expiry" => Kind::TlsExpiry(on_port(value)?),
        "command" => Kind::Command(command(value)?),
        "icmp" => match value.get_ref() {
            DeValue::Boolean(true) => Kind::Icmp(Icmp::echo()),
            _ => Kind::Icmp(asked(value)?),
        },
        "heartbeat" => Kind::Heartbeat(asked(value)?),
        "cloud_state" => match value.get_ref() {
            DeValue::Boolean(true) => Kind::CloudState,
            _ => {
                return Err(Wrong::new(value.span(), "the cloud's word has no settings: cloud_state = true"));
            }
        },
        "all_of" => Kind::AllOf(members(value)?),
        "any_of" => Kind::AnyOf(members(value)?),
        "not" => Kind::Not(Box::new(described(value)?)),
        other => return Err(Wrong::new(key.span(), format!("unknown probe `{other}`, {}", expected()))),
    };
    Ok(Described { kind, failures, successes })
}

/// Of a key that stands beside what is asked.
fn outside(kind: &str, key: &str) -> String {
    let inside = match kind {
        "tcp" | "http" | "tls_expiry" => "port = …, ",
        "command" => "run = […], ",
        "icmp" => "",
        "heartbeat" => "listen = …, ",
        _ => return format!("unknown field `{key}`, expected `{FAILURES}` or `{SUCCESSES}` beside `{kind}`"),
    };
    format!("what belongs to `{kind}` is written inside it: {kind} = {{ {inside}{key} = … }}")
}

fn read<T: DeserializeOwned>(value: Value<'_>) -> Checked<T> {
    let span = value.span();
    T::deserialize(ValueDeserializer::from(value))
        .map_err(|error| Wrong::new(error.span().unwrap_or(span), plain(error.message())))
}

fn count(value: Value<'_>) -> Checked<u32> {
    let span = value.span();
    match read(value)? {
        0 => Err(Wrong::new(span, "must be at least 1")),
        count => Ok(count),
    }
}

/// What is described, as far as it can be meant; what cannot is shown where its field stands.
fn asked<P: DeserializeOwned + Probe>(value: Value<'_>) -> Checked<P> {
    let whole = value.span();
    let fields = value.get_ref().as_table().into_iter().flatten();
    let fields: Vec<_> = fields.map(|(key, value)| (key.get_ref().to_string(), value.span())).collect();
    let probe: P = read(value)?;
    match probe.consistent() {
        Ok(()) => Ok(probe),
        Err(error) => {
            let field = error.resource().and_then(|field| field.split('.').next());
            let place = fields.into_iter().find(|(key, _)| Some(key.as_str()) == field);
            Err(Wrong::new(place.map_or(whole, |(_, span)| span), error.message()))
        }
    }
}

/// A port alone, or what has one.
fn on_port<P: DeserializeOwned + Probe>(value: Value<'_>) -> Checked<P> {
    let span = value.span();
    match value.get_ref() {
        DeValue::Integer(_) => asked(super::tree::table(span, [("port", value)])),
        DeValue::Table(_) => asked(value),
        _ => Err(Wrong::new(span, "expected a port such as 443, or { port = 443 }")),
    }
}

fn page(value: Value<'_>) -> Checked<Http> {
    match value.get_ref() {
        DeValue::Table(_) => asked(value),
        _ => {
            let why = "a page is a table, such as { port = 80, path = \"/health\" }";
            Err(Wrong::new(value.span(), why))
        }
    }
}

/// Its words alone, or what has them.
fn command(value: Value<'_>) -> Checked<CommandProbe> {
    let span = value.span();
    match value.get_ref() {
        DeValue::Array(_) => asked(super::tree::table(span, [("run", value)])),
        _ => asked(value),
    }
}

fn members(value: Value<'_>) -> Checked<Vec<Described>> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Array(members) if !members.is_empty() => members.into_iter().map(described).collect(),
        _ => Err(Wrong::new(span, "expected probes: [{ tcp = 22 }, { http = { port = 80 } }]")),
    }
}

impl Described {
    fn logs_in(&self) -> bool {
        match &self.kind {
            Kind::Command(_) => true,
            Kind::AllOf(members) | Kind::AnyOf(members) => members.iter().any(Self::logs_in),
            Kind::Not(member) => member.logs_in(),
            _ => false,
        }
    }

    fn heartbeats(&self) -> Vec<&HeartbeatSpec> {
        match &self.kind {
            Kind::Heartbeat(probe) => vec![probe],
            Kind::AllOf(members) | Kind::AnyOf(members) => {
                members.iter().flat_map(Self::heartbeats).collect()
            }
            Kind::Not(member) => member.heartbeats(),
            _ => Vec::new(),
        }
    }

    /// Has those that listen at one address do it together.
    fn share(&mut self, listeners: &mut Vec<HeartbeatSpec>) -> Result<()> {
        match &mut self.kind {
            Kind::Heartbeat(probe) => {
                *probe = probe.clone().beside(listeners.iter())?;
                listeners.push(probe.clone());
                Ok(())
            }
            Kind::AllOf(members) | Kind::AnyOf(members) => {
                members.iter_mut().try_for_each(|member| member.share(listeners))
            }
            Kind::Not(member) => member.share(listeners),
            _ => Ok(()),
        }
    }

    fn build(&self, means: &Means) -> Arc<dyn Probe> {
        let all = |members: &[Self]| members.iter().map(|member| member.build(means)).collect::<Vec<_>>();
        let probe = match &self.kind {
            Kind::Tcp(probe) => probe.clone().shared(),
            Kind::Http(probe) => (**probe).clone().clock(Arc::clone(&means.clock)).shared(),
            Kind::TlsExpiry(probe) => probe.clone().clock(Arc::clone(&means.clock)).shared(),
            Kind::Command(probe) => probe.clone().over(means.nodes.clone()).shared(),
            Kind::Icmp(probe) => probe.clone().shared(),
            Kind::Heartbeat(probe) => probe.clone().shared(),
            Kind::CloudState => means.cloud.clone().shared(),
            Kind::AllOf(members) => all_of(all(members)).shared(),
            Kind::AnyOf(members) => any_of(all(members)).shared(),
            Kind::Not(member) => not(member.build(means)).shared(),
        };
        match (self.failures, self.successes) {
            (None, None) => probe,
            (failures, successes) => {
                Thresholds::new(probe, failures.unwrap_or(1), successes.unwrap_or(1)).shared()
            }
        }
    }

    fn written(&self) -> Result<toml::Value, toml::ser::Error> {
        use toml::Value;
        let all = |members: &[Self]| members.iter().map(Self::written).collect::<Result<Vec<_>, _>>();
        let (key, value) = match &self.kind {
            Kind::Tcp(probe) => ("tcp", Value::try_from(probe)?),
            Kind::Http(probe) => ("http", Value::try_from(probe)?),
            Kind::TlsExpiry(probe) => ("tls_expiry", Value::try_from(probe)?),
            Kind::Command(probe) => ("command", Value::try_from(probe)?),
            Kind::Icmp(probe) => ("icmp", Value::try_from(probe)?),
            Kind::Heartbeat(probe) => ("heartbeat", Value::try_from(probe)?),
            Kind::CloudState => ("cloud_state", Value::Boolean(true)),
            Kind::AllOf(members) => ("all_of", Value::Array(all(members)?)),
            Kind::AnyOf(members) => ("any_of", Value::Array(all(members)?)),
            Kind::Not(member) => ("not", member.written()?),
        };
        let mut table = toml::Table::from_iter([(key.to_owned(), value)]);
        for (key, threshold) in [(FAILURES, self.failures), (SUCCESSES, self.successes)] {
            table.extend(threshold.map(|count| (key.to_owned(), Value::from(count))));
        }
        Ok(Value::Table(table))
    }
}
