//! Deciding before anything is spent.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::driver::{Context, Recovered, Resolved, call, freeze, places, user_data};
use super::fleet::Fleet;
use super::journal::FleetRecord;
use super::table::table;
use crate::attributes::{Attributes, Reference};
use crate::model::{
    ClientToken, FleetSpec, Generation, Image, ImageId, InstanceId, InstanceType, KeyPairSpec, Mode, Name,
    NodeAddress, Ownership, RegisteredImage, Slots,
};
use crate::provider::{Finding, ImageRegistry, Severity};
use crate::{Error, ErrorKind, Result};

/// What a start would do. It has cost nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The deployment.
    pub deployment: Name,
    /// What becomes of the nodes when the program goes.
    pub mode: Mode,
    /// The fleets, in the description's order.
    pub fleets: Vec<PlannedFleet>,
    /// Nodes that exist and that the description does not have (any more); they are left alone until the end.
    pub surplus: Vec<NodeAddress>,
    /// Instances that carry the deployment's tag and are no node's.
    pub strays: Vec<InstanceId>,
    findings: Vec<Finding>,
    #[serde(skip)]
    pub(super) resolved: BTreeMap<Name, FleetRecord>,
}

/// What a start would do with a fleet.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedFleet {
    /// Its name.
    pub name: Name,
    /// The fleets that it waits for.
    pub after: Vec<Name>,
    /// How many nodes it is to have.
    pub nodes: u32,
    /// Which of them exist already, with their instances: they are adopted, not launched.
    pub existing: Vec<(NodeAddress, InstanceId)>,
    /// The image that new nodes would be launched from, where it was found.
    pub image: Option<ImageId>,
    /// Instance types, the preferred first.
    pub instance_types: Vec<InstanceType>,
}

impl Plan {
    /// What the preflight found.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether a start would go ahead: no finding is an error.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// The findings that stand in the way, as one error.
    pub(super) fn check(&self) -> Result<()> {
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let lines: Vec<String> = errors.map(ToString::to_string).collect();
        if lines.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Invalid, format!("the plan has errors: {}", lines.join("; ")))
            .during("preflight"))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.mode == Mode::Dev { "dev" } else { "production" };
        writeln!(f, "deployment {} ({mode})", self.deployment)?;
        let rows = self.fleets.iter().map(|fleet| {
            let list = |names: Vec<String>| if names.is_empty() { "-".to_owned() } else { names.join(", ") };
            vec![
                fleet.name.to_string(),
                fleet.nodes.to_string(),
                fleet.existing.len().to_string(),
                fleet.image.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string),
                list(fleet.instance_types.iter().map(ToString::to_string).collect()),
                list(fleet.after.iter().map(ToString::to_string).collect()),
            ]
        });
        f.write_str(&table(&["fleet", "nodes", "exist", "image", "types", "after"], rows))?;
        for node in &self.surplus {
            writeln!(f, "surplus: {node} exists, and is left alone until the end")?;
        }
        for stray in &self.strays {
            writeln!(f, "stray: {stray} carries the deployment's tag and is no node's")?;
        }
        for finding in &self.findings {
            let word = if finding.severity == Severity::Error { "error" } else { "note" };
            writeln!(f, "{word}: {finding}")?;
        }
        Ok(())
    }
}

/// Checks everything that can be checked without spending.
pub(super) async fn plan(context: &Context, recovered: &Recovered) -> Result<Plan> {
    let mut plan = Plan {
        deployment: context.spec.name.clone(),
        mode: context.spec.mode,
        fleets: Vec::new(),
        surplus: Vec::new(),
        strays: recovered.strays.iter().map(|stray| stray.instance.id.clone()).collect(),
        findings: Vec::new(),
        resolved: BTreeMap::new(),
    };
    for (address, node) in recovered.machine.nodes() {
        let wanted = recovered.machine.fleet(&address.fleet).map_or(0, |fleet| fleet.plan.wanted);
        if address.slot >= wanted && node.instance.is_some() {
            plan.surplus.push(address);
        }
    }
    for fleet in &context.fleets {
        plan_fleet(context, recovered, fleet, &mut plan).await?;
    }
    Ok(plan)
}

async fn plan_fleet(context: &Context, recovered: &Recovered, fleet: &Fleet, plan: &mut Plan) -> Result<()> {
    let spec = &fleet.spec;
    let field = format!("fleet.{}", spec.name);
    let known = context.known().fleets.get(&spec.name).cloned();
    let record = resolve(context, spec, known, &field, &mut plan.findings).await?;
    let state = recovered.machine.fleet(&spec.name);
    let nodes = state.into_iter().flat_map(|fleet| fleet.nodes.range(..spec.nodes));
    let existing: Vec<(NodeAddress, InstanceId)> = nodes
        .filter_map(|(slot, node)| Some((NodeAddress::new(spec.name.clone(), *slot), node.instance.clone()?)))
        .collect();
    differences(context, spec, record.as_ref(), &existing, &field, &mut plan.findings);
    let missing = (0..spec.nodes).filter(|slot| !existing.iter().any(|(node, _)| node.slot == *slot));
    let missing = Slots::new(missing);
    if let Some(record) = &record
        && !missing.is_empty()
    {
        preflight(context, spec, record, missing, &field, &mut plan.findings).await?;
    }
    plan.fleets.push(PlannedFleet {
        name: spec.name.clone(),
        after: spec.after.clone(),
        nodes: spec.nodes,
        existing,
        image: record.as_ref().map(|record| record.image.clone()),
        instance_types: spec.instance_types.clone(),
    });
    plan.resolved.extend(record.map(|record| (spec.name.clone(), record)));
    Ok(())
}

/// The image: the one of earlier launches while the description says the same, else looked up.
async fn resolve(
    context: &Context,
    spec: &FleetSpec,
    known: Option<FleetRecord>,
    field: &str,
    findings: &mut Vec<Finding>,
) -> Result<Option<FleetRecord>> {
    if let Some(known) = &known
        && known.wanted == spec.image
        && known.architecture == spec.architecture
    {
        return Ok(Some(known.clone()));
    }
    let query = match &spec.image {
        Image::Id(id) => Err(id),
        Image::Newest(query) => Ok(query.clone()),
        Image::Public(name) => match Image::public_query(name, spec.architecture) {
            Some(query) => Ok(query),
            None => return Ok(None),
        },
    };
    let image = match &query {
        Err(id) => call(context, "get_image", &spec.name, context.cloud.get(id)).await?,
        Ok(query) => {
            call(context, "find_image", &spec.name, ImageRegistry::find(&*context.cloud, query)).await?
        }
    };
    let (key, group) = known.map_or((None, None), |known| (known.key, known.group));
    match image {
        Some(RegisteredImage { id: image, root_device, .. }) => Ok(Some(FleetRecord {
            wanted: spec.image.clone(),
            architecture: spec.architecture,
            image,
            root_device,
            key,
            group,
        })),
        None => {
            let what = match query {
                Err(id) => format!("there is no image {id}, or it cannot be seen"),
                Ok(query) => format!("no image of owner {} is named {}", query.owner.0, query.name),
            };
            findings.push(Finding {
                severity: Severity::Error,
                field: format!("{field}.image"),
                message: what,
            });
            Ok(None)
        }
    }
}

fn differences(
    context: &Context,
    spec: &FleetSpec,
    record: Option<&FleetRecord>,
    existing: &[(NodeAddress, InstanceId)],
    field: &str,
    findings: &mut Vec<Finding>,
) {
    let mut note = |part: &str, message: String| {
        findings.push(Finding { severity: Severity::Note, field: format!("{field}.{part}"), message });
    };
    for (address, id) in existing {
        let Some(instance) = context.view.instance(id) else { continue };
        if record.is_some_and(|record| record.image != instance.image) {
            note(
                "image",
                format!("{address} was launched from {}; it differs, and is not replaced", instance.image),
            );
        }
        if !spec.instance_types.contains(&instance.instance_type) {
            let is = &instance.instance_type;
            note("instance_types", format!("{address} is a {is}; it differs, and is not replaced"));
        }
    }
}

/// Shows the cloud the request that a start would make, in each place that it might be made.
async fn preflight(
    context: &Context,
    spec: &FleetSpec,
    record: &FleetRecord,
    slots: Slots,
    field: &str,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let data = match user_data(&context.spec, spec, &supposed(spec)) {
        Ok(data) => data,
        Err(error) => {
            let message = error.message().trim_start_matches(&format!("{field}.user_data: ")).to_owned();
            findings.push(Finding {
                severity: Severity::Error,
                field: format!("{field}.user_data"),
                message,
            });
            None
        }
    };
    let mut resolved = Resolved::from(record);
    if let Some(KeyPairSpec::Existing(name)) = &spec.key {
        resolved.key = Some(name.clone());
    }
    for place in places(spec) {
        let ownership = Ownership {
            deployment: context.spec.name.clone(),
            fleet: spec.name.clone(),
            slots: slots.clone(),
            generation: Generation::FIRST,
            attempt: 1,
            expires: None,
        };
        let token = ClientToken::new("preflight");
        let request = freeze(&context.spec, spec, &resolved, ownership, token, &place, data.clone());
        for finding in
            call(context, "preflight", &spec.name, context.cloud.preflight(&request, field)).await?
        {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    Ok(())
}

/// Attributes as long as they may become, for user data that refers to nodes that are not there yet.
fn supposed(spec: &FleetSpec) -> Attributes {
    let mut attributes = Attributes::new();
    for reference in spec.user_data.iter().flat_map(|data| data.text.references()) {
        if let Reference::Attribute(path) = reference {
            let longest =
                if path.key.ends_with("ip") { "255.255.255.255" } else { "ip-255-255-255-255.ec2.internal" };
            attributes.set(&path.node, path.key.clone(), longest);
        }
    }
    attributes
}
