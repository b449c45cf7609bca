//! What a story does to its nodes: keys of a fleet that are not the core's, read as the types of those who do it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ec2_stories_core::model::{self, DeploymentSpec, FleetSpec, LoginSpec, Name};
use ec2_stories_core::provider::{Cloud, InstanceDeployer, TupleStore};
use ec2_stories_core::{Clock, Deployment, Error, Result};
use ec2_stories_ssh::bundle::BundleSpec;
use ec2_stories_ssh::step::{Nodes, Step, Steps};
use ec2_stories_ssh::{CloudConsole, HostKeys, Readiness};
use serde::Deserialize;
use toml::de::{DeTable, DeValue, ValueDeserializer};

const STEPS: &str = "steps";
const BUNDLE: &str = "bundle";

/// The steps of each fleet that has some, and the bundles that come after them.
#[derive(Clone, Debug, Default)]
pub(super) struct Customized {
    steps: BTreeMap<Name, Steps>,
    bundles: BTreeMap<Name, BundleSpec>,
}

impl Customized {
    /// Takes the keys out of the story; `folder` is what relative paths start from.
    pub(super) fn take(root: &mut DeTable<'_>, folder: &Path) -> Result<Self, toml::de::Error> {
        let mut customized = Self::default();
        let Some(DeValue::Array(fleets)) = root.get_mut("fleet").map(toml::Spanned::get_mut) else {
            return Ok(customized);
        };
        for fleet in fleets.iter_mut() {
            let DeValue::Table(fleet) = fleet.get_mut() else { continue };
            // A fleet without a good name is refused with the rest of it.
            let name = fleet.get("name").and_then(|name| name.get_ref().as_str());
            let name = name.and_then(|name| Name::new(name).ok());
            if let Some(steps) = fleet.remove(STEPS) {
                let steps = Vec::<Step>::deserialize(ValueDeserializer::from(steps))?;
                let steps = Steps::new(steps.into_iter().map(|step| from_folder(step, folder)));
                customized.steps.extend(name.clone().map(|name| (name, steps)));
            }
            if let Some(bundle) = fleet.remove(BUNDLE) {
                let mut bundle = BundleSpec::deserialize(ValueDeserializer::from(bundle))?;
                bundle.source = folder.join(bundle.source);
                customized.bundles.extend(name.map(|name| (name, bundle)));
            }
        }
        Ok(customized)
    }

    /// Adds them to the deployment. They reach nodes with what it has: its journal remembers host keys, its cloud says why a
    /// node does not come.
    pub(super) fn add_to(
        &self,
        mut deployment: Deployment,
        cloud: Arc<dyn Cloud>,
        journal: Arc<dyn TupleStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Deployment> {
        Self::check_keys(deployment.spec())?;
        let cloud: Arc<dyn InstanceDeployer> = cloud;
        let readiness = Readiness::builder().cloud(Arc::clone(&cloud)).build()?;
        let nodes = Nodes::new()
            .remembered_in(journal)
            .clock(clock)
            .console(Arc::new(CloudConsole::of(cloud)))
            .readiness(readiness);
        for (fleet, steps) in &self.steps {
            steps.check().map_err(|error| of_fleet(fleet, &error))?;
            deployment = deployment.customized(fleet, steps.clone().over(nodes.clone()))?;
        }
        for (fleet, bundle) in &self.bundles {
            deployment = deployment.customized(fleet, bundle.clone().over(nodes.clone()))?;
        }
        Ok(deployment)
    }

    /// Reads what is sent to nodes, to see whether it is good and what it refers to is there.
    pub(super) fn check_content(&self, spec: &DeploymentSpec) -> Result<()> {
        for (fleet, steps) in &self.steps {
            let references = steps.references().map_err(|error| of_fleet(fleet, &error))?;
            for (at, references) in references.iter().enumerate() {
                spec.check_references(fleet, &format!("fleet.{fleet}.steps[{at}]"), references)?;
            }
        }
        for (fleet, bundle) in &self.bundles {
            let field = format!("fleet.{fleet}.bundle");
            let bundle = bundle.open().map_err(|error| Error::invalid(&field, error.chain()))?;
            for (name, value) in &bundle.manifest().environment {
                let checked = spec.check_references(fleet, &field, value.references());
                checked.map_err(|error| {
                    let why = error.message().trim_start_matches(&format!("{field}: "));
                    Error::invalid(&field, format!("bundle.toml: environment.{name}: {why}"))
                })?;
            }
        }
        Ok(())
    }

    /// Sees whether keys that are written in the story are keys.
    fn check_keys(spec: &DeploymentSpec) -> Result<()> {
        for fleet in &spec.fleets {
            let Some(keys @ (model::HostKeys::Pinned(_) | model::HostKeys::Authority(_))) =
                &fleet.login.host_keys
            else {
                continue;
            };
            let of_login = |error: Error| {
                let field = error.resource().unwrap_or_default().to_owned();
                let why = error.message().trim_start_matches(&format!("{field}: "));
                Error::invalid(format!("fleet.{}.login.{field}", fleet.name), why)
            };
            HostKeys::of(keys, None).map_err(of_login)?;
        }
        Ok(())
    }

    /// Sees whether the nodes that something is done to can be logged in to.
    pub(super) fn check_logins(&self, spec: &DeploymentSpec) -> Result<()> {
        let is_customized = |fleet: &&FleetSpec| {
            self.steps.contains_key(&fleet.name) || self.bundles.contains_key(&fleet.name)
        };
        let unknown = |fleet: &&FleetSpec| LoginSpec::of(fleet).user.is_none();
        match spec.fleets.iter().filter(is_customized).find(unknown) {
            Some(fleet) => {
                let why = "steps and bundles need the user of this image: login = { user = \"…\" }";
                Err(Error::invalid(format!("fleet.{}.login", fleet.name), why))
            }
            None => Ok(()),
        }
    }

    pub(super) fn steps(&self, fleet: &Name) -> &[Step] {
        self.steps.get(fleet).map_or(&[], Steps::steps)
    }

    /// Writes a fleet's keys into its table.
    pub(super) fn write(&self, fleet: &mut toml::Table) -> Result<(), toml::ser::Error> {
        let name = fleet.get("name").and_then(toml::Value::as_str).and_then(|name| Name::new(name).ok());
        let Some(name) = name else { return Ok(()) };
        if let Some(steps) = self.steps.get(&name) {
            fleet.insert(STEPS.to_owned(), toml::Value::try_from(steps)?);
        }
        if let Some(bundle) = self.bundles.get(&name) {
            fleet.insert(BUNDLE.to_owned(), toml::Value::try_from(bundle)?);
        }
        Ok(())
    }
}

/// An error of a fleet's steps, whose field is named from the fleet's table.
fn of_fleet(fleet: &Name, error: &Error) -> Error {
    error.within(format!("fleet.{fleet}"))
}

fn from_folder(mut step: Step, folder: &Path) -> Step {
    let source = match &mut step {
        Step::File(file) => file.source_mut(),
        Step::Folder(sent) => Some(sent.source_mut()),
        _ => None,
    };
    if let Some(source) = source {
        *source = folder.join(&*source);
    }
    step
}
