//! What a description must keep to; every error names the field.

mod health;
mod values;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::attributes::{AttributePath, Attributes, Reference};
use crate::model::{DeploymentSpec, Expiry, FleetSpec, KeyPairSpec, Name, UserData};
use crate::{Error, Result};

/// A name that is made of a file's and its content's hash has the same length whatever the content is.
const ANY_HASH: &str = "000000000000";

/// Checks what can be seen of one fleet alone.
pub(super) fn check_fleet(spec: &FleetSpec) -> Result<()> {
    let at = |field: &str| format!("fleet.{}.{field}", spec.name);
    if spec.nodes == 0 {
        return Err(Error::invalid(at("nodes"), "must be at least 1"));
    }
    if let Some(least) = spec.at_least
        && !(1..=spec.nodes).contains(&least)
    {
        return Err(Error::invalid(at("at_least"), format!("{least} is not from 1 to {}", spec.nodes)));
    }
    if spec.instance_types.is_empty() {
        return Err(Error::invalid(at("instance_types"), "must name at least one"));
    }
    if !spec.zones.is_empty() && !spec.subnets.is_empty() {
        return Err(Error::invalid(
            at("subnets"),
            "a subnet implies its zone: give zones or subnets, not both",
        ));
    }
    if !(1..=64).contains(&spec.metadata.hop_limit) {
        return Err(Error::invalid(at("metadata.hop_limit"), "must be from 1 to 64"));
    }
    if spec.login.port == Some(0) {
        return Err(Error::invalid(at("login.port"), "must be from 1 to 65535"));
    }
    if spec.login.user.as_deref().is_some_and(|user| user.is_empty() || user.contains(char::is_whitespace)) {
        return Err(Error::invalid(at("login.user"), "is not a user's name, such as `admin`"));
    }
    if spec.launch_timeout.is_zero() {
        return Err(Error::invalid(at("launch_timeout"), "must be more than nothing"));
    }
    if let Some(after) = spec.expires_after.and_then(Expiry::after)
        && after < Expiry::SHORTEST
    {
        let shortest = Expiry::SHORTEST.as_secs();
        let why = format!(
            "must be at least {shortest} s, or \"never\"; minutes give a controller time to renew it"
        );
        return Err(Error::invalid(at("expires_after"), why));
    }
    health::health(at, &spec.health)?;
    if let Some(KeyPairSpec::PublicKey(key)) = &spec.key {
        values::public_key(&at("key.public_key"), key)?;
    }
    values::market(&at("market.spot.max_price"), &spec.market)?;
    for (index, group) in spec.security_groups.iter().enumerate() {
        values::group(&at(&format!("security_groups[{index}]")), group.as_str())?;
    }
    if let crate::model::Image::Public(name) = &spec.image
        && crate::model::Image::public_query(name, spec.architecture).is_none()
    {
        let known = crate::model::Image::public_names().collect::<Vec<_>>().join(", ");
        return Err(Error::invalid(at("image"), format!("no public image {name:?}; known are {known}")));
    }
    if let crate::model::Image::File(file) = &spec.image {
        if file.path.as_os_str().is_empty() {
            return Err(Error::invalid(at("image.file.path"), "must name a file"));
        }
        file.spec(ANY_HASH, spec.architecture).check(&at("image.file"))?;
    }
    for (index, volume) in spec.volumes.iter().enumerate() {
        if volume.gib == 0 {
            return Err(Error::invalid(at(&format!("volumes[{index}].gib")), "must be at least 1"));
        }
        if let Some(device) = &volume.device {
            values::device(&at(&format!("volumes[{index}].device")), device)?;
        }
        if spec.volumes[..index].iter().any(|other| other.device == volume.device) {
            let device = volume.device.as_deref().unwrap_or("the root device");
            return Err(Error::invalid(
                at(&format!("volumes[{index}].device")),
                format!("{device} is used twice"),
            ));
        }
    }
    if let Some(policy) = &spec.firewall {
        policy.check(&at("firewall"))?;
        values::groups_of(&at("firewall"), policy)?;
    }
    if let Some(data) = &spec.user_data {
        data.check(&at("user_data"))?;
    }
    spec.tags.check(&at("tags"))
}

/// Checks the fleets against each other.
/// A lease must outlast the renewals' way to the store; and nobody is to wait for hours for a dead controller.
pub(super) fn check_lease(lease: Duration) -> Result<()> {
    if (Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&lease) {
        return Ok(());
    }
    Err(Error::invalid("lease", format!("{lease:?} is not between 100 ms and an hour")))
}

pub(super) fn check_deployment(spec: &DeploymentSpec) -> Result<()> {
    spec.tags.check("tags")?;
    if spec.fleets.is_empty() {
        return Err(Error::invalid("fleet", "a deployment has at least one fleet"));
    }
    let nodes: u64 = spec.fleets.iter().map(|fleet| u64::from(fleet.nodes)).sum();
    if nodes > u64::from(spec.limits.nodes) {
        let limit = spec.limits.nodes;
        return Err(Error::invalid(
            "limits.nodes",
            format!("the fleets have {nodes} nodes, the limit is {limit}"),
        ));
    }
    let mut fleets: BTreeMap<&Name, &FleetSpec> = BTreeMap::new();
    for fleet in &spec.fleets {
        if fleets.insert(&fleet.name, fleet).is_some() {
            return Err(Error::invalid(format!("fleet.{}", fleet.name), "the name is used twice"));
        }
    }
    for fleet in &spec.fleets {
        let field = |field: &str| format!("fleet.{}.{field}", fleet.name);
        if let Some(unknown) = fleet.after.iter().find(|before| !fleets.contains_key(before)) {
            return Err(Error::invalid(field("after"), format!("there is no fleet {unknown}")));
        }
        for (index, rule) in fleet.firewall.iter().flat_map(|policy| &policy.rules).enumerate() {
            if let crate::model::Source::Fleet(other) = &rule.source
                && !fleets.contains_key(other)
            {
                let field = field(&format!("firewall.rules[{index}].source"));
                return Err(Error::invalid(field, format!("there is no fleet {other}")));
            }
        }
    }
    for fleet in &spec.fleets {
        let before = all_before(fleet, &fleets);
        let field = |field: &str| format!("fleet.{}.{field}", fleet.name);
        if before.contains(&&fleet.name) {
            return Err(Error::invalid(
                field("after"),
                "it comes after itself, by way of the fleets it names",
            ));
        }
        for reference in fleet.user_data.iter().flat_map(UserData::references) {
            let Reference::Attribute(path) = reference else { continue };
            let own = (path.node.fleet == fleet.name).then(|| {
                format!("${{{path}}}: the fleet's own nodes are not there when its user data is sent")
            });
            if let Some(why) = wrong_reference(&path, fleet, &fleets, &before).or(own) {
                return Err(Error::invalid(field("user_data"), why));
            }
        }
    }
    Ok(())
}

/// Why a fleet's text cannot refer to this. A fleet's own nodes are known once they run.
fn wrong_reference(
    path: &AttributePath,
    fleet: &FleetSpec,
    fleets: &BTreeMap<&Name, &FleetSpec>,
    before: &[&Name],
) -> Option<String> {
    let why = match fleets.get(&path.node.fleet) {
        None => format!("${{{path}}}: there is no fleet {}", path.node.fleet),
        Some(other) if path.node.slot >= other.nodes => {
            format!("${{{path}}}: fleet {} has slots 0 to {}", other.name, other.nodes - 1)
        }
        Some(other) if other.name != fleet.name && !before.contains(&&other.name) => {
            format!("${{{path}}}: fleet {} is not started before this one; add it to `after`", other.name)
        }
        Some(_) if !Attributes::PUBLISHED.contains(&path.key.as_str()) => {
            let known = Attributes::PUBLISHED.join(", ");
            format!("${{{path}}}: nodes have no attribute {}; they have {known}", path.key)
        }
        Some(_) => return None,
    };
    Some(why)
}

impl DeploymentSpec {
    /// Sees whether what is resolved on a running node of this fleet, such as a step's text, can refer to these. The nodes of
    /// the fleet itself may be among them.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for the first that cannot be; the message names it and says why, and `field`
    /// is where.
    pub fn check_references<'a>(
        &self,
        fleet: &Name,
        field: &str,
        references: impl IntoIterator<Item = &'a Reference>,
    ) -> Result<()> {
        let fleets: BTreeMap<&Name, &FleetSpec> =
            self.fleets.iter().map(|fleet| (&fleet.name, fleet)).collect();
        let Some(fleet) = fleets.get(fleet) else { return Ok(()) };
        let before = all_before(fleet, &fleets);
        for reference in references {
            let Reference::Attribute(path) = reference else { continue };
            if let Some(why) = wrong_reference(path, fleet, &fleets, &before) {
                return Err(Error::invalid(field, why));
            }
        }
        Ok(())
    }
}

/// All fleets that a fleet comes after, the indirect ones included; itself where there is a cycle.
fn all_before<'a>(fleet: &'a FleetSpec, fleets: &BTreeMap<&Name, &'a FleetSpec>) -> Vec<&'a Name> {
    let mut before: Vec<&Name> = Vec::new();
    let mut next: Vec<&Name> = fleet.after.iter().collect();
    while let Some(name) = next.pop() {
        if !before.contains(&name) {
            before.push(name);
            next.extend(fleets.get(name).into_iter().flat_map(|fleet| &fleet.after));
        }
    }
    before
}
