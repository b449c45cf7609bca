//! What a plan checks, without spending.

use std::collections::BTreeMap;

use super::driver::{
    Composed, Context, HostKey, Recovered, Resolved, Stray, Switch, expiry_of, first_expiry, freeze,
    injected_file, persist, places, user_data,
};
use super::fleet::Fleet;
use super::image_file::{PlannedUpload, look};
use super::journal::{FleetRecord, Stage};
use super::machine::Place;
use super::plan::{Plan, PlannedFleet};
use super::private_keys::{folders, private_keys};
use super::sweep::FOREIGN;
use crate::Result;
use crate::attributes::{Attributes, Reference};
use crate::model::{
    ClientToken, FleetSpec, Generation, Image, InstanceId, InstanceState, KeyPairSpec, NodeAddress,
    Ownership, RegisteredImage, Slots, UserData,
};
use crate::provider::{Finding, Severity};

/// Checks everything that can be checked without spending. Where it `updates`, images are looked up anew, whatever runs.
pub(super) async fn plan(context: &Context, recovered: &Recovered, updates: bool) -> Result<Plan> {
    let mut plan = Plan {
        deployment: context.spec.name.clone(),
        mode: context.spec.mode,
        fleets: Vec::new(),
        surplus: Vec::new(),
        strays: ids(recovered.strays.iter().filter(|stray| !stray.is_foreign())),
        findings: namesakes(context, recovered).collect(),
        unusable: BTreeMap::new(),
        resolved: BTreeMap::new(),
    };
    for (address, node) in recovered.machine.nodes() {
        let wanted = recovered.machine.fleet(&address.fleet).map_or(0, |fleet| fleet.plan.wanted);
        if address.slot >= wanted && node.instance.is_some() {
            plan.surplus.push(address);
        }
    }
    for fleet in &context.fleets {
        plan_fleet(context, recovered, fleet, updates, &mut plan).await?;
    }
    Ok(plan)
}

fn ids<'a>(strays: impl Iterator<Item = &'a Stray>) -> Vec<InstanceId> {
    strays.map(|stray| stray.instance.id.clone()).collect()
}

/// Instances of which only their tags say that they are the deployment's, and such of another that has its name.
fn namesakes(context: &Context, recovered: &Recovered) -> impl Iterator<Item = Finding> {
    let list = |ids: &[InstanceId]| ids.iter().map(InstanceId::as_str).collect::<Vec<_>>().join(", ");
    let foreign = ids(recovered.strays.iter().filter(|stray| stray.is_foreign()));
    let adopted: Vec<InstanceId> =
        recovered.machine.nodes().filter_map(|(_, node)| node.instance.clone()).collect();
    let tags_only = context.known().tags_only;
    // One that has ended has nothing there, and would begin beside the other.
    let ended = recovered.stage == Some(Stage::Terminated);
    let severity = if ended { Severity::Error } else { Severity::Note };
    let named = move |severity, message| Finding { severity, field: "name".to_owned(), message };
    let foreign = (!foreign.is_empty()).then(|| named(severity, format!("{}: {FOREIGN}", list(&foreign))));
    let adopted = (tags_only && !adopted.is_empty()).then(|| {
        let why = "run under this name, and the journal knows of none: they are taken for this deployment's, whose journal was \
                   lost; where another deployment has the name, give this one another";
        named(Severity::Note, format!("{} {why}", list(&adopted)))
    });
    foreign.into_iter().chain(adopted)
}

async fn plan_fleet(
    context: &Context,
    recovered: &Recovered,
    fleet: &Fleet,
    updates: bool,
    plan: &mut Plan,
) -> Result<()> {
    let spec = &fleet.spec;
    let field = format!("fleet.{}", spec.name);
    let known = context.known().fleets.get(&spec.name).cloned();
    let state = recovered.machine.fleet(&spec.name);
    let wanted = state.map_or(spec.nodes, |fleet| fleet.plan.wanted);
    let nodes = state.into_iter().flat_map(|fleet| fleet.nodes.range(..wanted));
    let existing: Vec<(NodeAddress, InstanceId)> = nodes
        .filter_map(|(slot, node)| Some((NodeAddress::new(spec.name.clone(), *slot), node.instance.clone()?)))
        .collect();
    // An update launches, whatever runs.
    let need = match (updates, existing.len() == wanted as usize) {
        (true, _) => Need::Newest,
        (false, true) => Need::Nothing,
        (false, false) => Need::Known,
    };
    let (record, upload) = resolve(context, spec, known, need, &field, &mut plan.findings).await?;
    differences(context, spec, record.as_ref(), &existing, &field, &mut plan.findings);
    let missing = (0..wanted).filter(|slot| !existing.iter().any(|(node, _)| node.slot == *slot));
    let missing = Slots::new(missing);
    let missing = if updates && missing.is_empty() { Slots::new([0]) } else { missing };
    if !missing.is_empty() {
        plan.findings.extend(doubts(spec, &field));
        plan.findings.extend(private_keys(&context.spec, spec, &field));
    }
    if let Some(record) = &record
        && !missing.is_empty()
    {
        let unusable = preflight(context, spec, record, missing, &field, &mut plan.findings).await?;
        plan.unusable.insert(spec.name.clone(), unusable);
    }
    plan.fleets.push(PlannedFleet {
        name: spec.name.clone(),
        after: spec.after.clone(),
        nodes: wanted,
        existing,
        image: record.as_ref().map(|record| record.image.clone()),
        upload,
        instance_types: spec.instance_types.clone(),
        halted: record.as_ref().and_then(|record| record.halted.as_ref()).map(ToString::to_string),
        again: recovered.machine.differing(&spec.name).collect(),
        customizers: fleet.customizers.iter().map(|customizer| customizer.name()).collect(),
        expires_after: expiry_of(&context.spec, Some(spec)),
    });
    plan.resolved.extend(record.map(|record| (spec.name.clone(), record)));
    Ok(())
}

/// What a fleet needs an image for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Nothing is launched.
    Nothing,
    /// Nodes as those that were launched before.
    Known,
    /// Nodes of what the description means today.
    Newest,
}

/// The image: the one of earlier launches while the description says the same, else looked up.
async fn resolve(
    context: &Context,
    spec: &FleetSpec,
    known: Option<FleetRecord>,
    need: Need,
    field: &str,
    findings: &mut Vec<Finding>,
) -> Result<(Option<FleetRecord>, Option<PlannedUpload>)> {
    if let Some(known) = &known
        && need != Need::Newest
        && known.wanted == spec.image
        && known.architecture == spec.architecture
    {
        return Ok((Some(known.clone()), None));
    }
    let sought = match &spec.image {
        Image::File(file) => look(context, spec, file).await?,
        _ => find(context, spec).await?,
    };
    let (key, group) = known.map_or((None, None), |known| (known.key, known.group));
    match sought {
        Sought::Found(image) => {
            let RegisteredImage { id: image, root_device, .. } = *image;
            let wanted = spec.image.clone();
            let record = FleetRecord {
                wanted,
                architecture: spec.architecture,
                image,
                root_device,
                key,
                group,
                rolls: false,
                halted: None,
            };
            Ok((Some(record), None))
        }
        // A fleet that needs no launch needs no image.
        Sought::InAFile(_) if need == Need::Nothing => Ok((None, None)),
        Sought::InAFile(upload) => Ok((None, Some(upload))),
        Sought::Nowhere(message) => {
            let severity = if need == Need::Nothing { Severity::Note } else { Severity::Error };
            findings.push(Finding { severity, field: format!("{field}.image"), message });
            Ok((None, None))
        }
    }
}

/// What came of looking for a fleet's image.
pub(super) enum Sought {
    /// It is there.
    Found(Box<RegisteredImage>),
    /// It will be, when the file is uploaded.
    InAFile(PlannedUpload),
    /// It is not, for this reason.
    Nowhere(String),
}

/// Looks for an image that the description names.
async fn find(context: &Context, spec: &FleetSpec) -> Result<Sought> {
    let query = match &spec.image {
        Image::Id(id) => {
            let image = persist(context, "get_image", &spec.name, || context.cloud.get_image(id)).await?;
            let why = || format!("there is no image {id}, or it cannot be seen");
            return Ok(image.map_or_else(|| Sought::Nowhere(why()), |image| Sought::Found(Box::new(image))));
        }
        Image::Newest(query) => Some(query.clone()),
        Image::Public(name) => Image::public_query(name, spec.architecture),
        Image::File(_) => None,
    };
    let Some(query) = query else { return Ok(Sought::Nowhere("no such image is known".to_owned())) };
    let image = persist(context, "find_image", &spec.name, || context.cloud.find_image(&query)).await?;
    let why = || format!("no image of owner {} is named {}", query.owner.0, query.name);
    Ok(image.map_or_else(|| Sought::Nowhere(why()), |image| Sought::Found(Box::new(image))))
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
        if matches!(instance.state, InstanceState::Stopping | InstanceState::Stopped) {
            note("nodes", format!("{address} is {}; it will be terminated and replaced", instance.state));
        }
        if record.is_some_and(|record| record.image != instance.image) {
            note(
                "image",
                format!(
                    "{address} was launched from {}; an update replaces it, a start does not",
                    instance.image
                ),
            );
        }
        if !spec.instance_types.contains(&instance.instance_type) {
            let is = &instance.instance_type;
            note("instance_types", format!("{address} is a {is}; it differs, and is not replaced"));
        }
    }
}

/// Shows the cloud the request that a start would make, in each place that it might be made. What is wrong with some
/// places stands in nobody's way while there is another: those places are returned, to be passed over.
async fn preflight(
    context: &Context,
    spec: &FleetSpec,
    record: &FleetRecord,
    slots: Slots,
    field: &str,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Place>> {
    // Another key of the same length: the fleet's own is made when it starts.
    let host_key =
        injected_file(spec).map(|_| HostKey::random(&format!("{}.{}", context.spec.name, spec.name)));
    let (data, switch) = match user_data(&context.spec, spec, &supposed(spec), host_key.transpose()?.as_ref())
    {
        Ok(Composed { data, switch }) => (data.map(|data| data.sent), switch),
        Err(error) => {
            let message = error.message().trim_start_matches(&format!("{field}.user_data: ")).to_owned();
            findings.push(Finding {
                severity: Severity::Error,
                field: format!("{field}.user_data"),
                message,
            });
            (None, Switch::Off)
        }
    };
    findings.extend(unwatched(&switch, field));
    findings.extend(folders(spec, field));
    let mut resolved = Resolved::from(record);
    if let Some(KeyPairSpec::Existing(name)) = &spec.key {
        resolved.key = Some(name.clone());
    }
    let mut checked = Vec::new();
    for place in places(spec) {
        let ownership = Ownership {
            deployment: context.spec.name.clone(),
            fleet: spec.name.clone(),
            slots: slots.clone(),
            generation: Generation::FIRST,
            attempt: 1,
            expires: first_expiry(&context.spec, spec, context.now()),
        };
        let token = ClientToken::new("preflight");
        let mut request = freeze(&context.spec, spec, &resolved, ownership, token, &place, data.clone());
        request.metadata.tags |= switch.is_in_guest();
        let check = || context.cloud.preflight(&request, field);
        let found = persist(context, "preflight", &spec.name, check).await?;
        let usable = found.iter().all(|finding| finding.severity != Severity::Error);
        checked.push((place, usable, found));
    }
    let has_usable = checked.iter().any(|(_, usable, _)| *usable);
    let mut unusable = Vec::new();
    for (place, usable, found) in checked {
        for mut finding in found {
            if has_usable && finding.severity == Severity::Error {
                finding.severity = Severity::Note;
                finding.message = format!("{place} is passed over: {}", finding.message);
            }
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        if has_usable && !usable {
            unusable.push(place);
        }
    }
    Ok(unusable)
}

/// Attributes as long as they may become, for user data that refers to nodes that are not there yet.
fn supposed(spec: &FleetSpec) -> Attributes {
    let mut attributes = Attributes::new();
    for reference in spec.user_data.iter().flat_map(UserData::references) {
        if let Reference::Attribute(path) = reference {
            let longest =
                if path.key.ends_with("ip") { "255.255.255.255" } else { "ip-255-255-255-255.ec2.internal" };
            attributes.set(&path.node, path.key, longest);
        }
    }
    attributes
}

/// What cloud-init would pass over.
fn doubts(spec: &FleetSpec, field: &str) -> impl Iterator<Item = Finding> {
    let field = format!("{field}.user_data");
    let doubts = spec.user_data.iter().flat_map(UserData::doubts);
    doubts.map(move |message| Finding { severity: Severity::Note, field: field.clone(), message })
}

/// Nodes that cannot end themselves, though they were to.
fn unwatched(switch: &Switch, field: &str) -> Option<Finding> {
    let Switch::TagOnly(why) = switch else { return None };
    let message = format!("the nodes do not end themselves when their controller is lost: {why}");
    Some(Finding { severity: Severity::Note, field: format!("{field}.expires_after"), message })
}
