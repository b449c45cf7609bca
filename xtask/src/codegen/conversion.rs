//! Which structures are made from which, down from the pairs that are asked for.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::model::{Kind, Model, Shape};
use super::operations::Service;

/// The pairs asked for and those that their members need.
pub(super) fn conversions<'m>(model: &'m Model, service: &Service) -> Result<BTreeSet<(&'m str, &'m str)>> {
    let mut pairs = BTreeSet::new();
    for (from, to) in service.conversions {
        collect(model, model.name(from)?, model.name(to)?, &mut pairs)?;
    }
    Ok(pairs)
}

fn collect<'m>(
    model: &'m Model,
    from: &'m str,
    to: &'m str,
    pairs: &mut BTreeSet<(&'m str, &'m str)>,
) -> Result<()> {
    if from == to || !pairs.insert((from, to)) {
        return Ok(());
    }
    for (member, from, to) in shared_members(model, from, to)? {
        let (from, to) = (value(model, from)?, value(model, to)?);
        match (model.shape(from)?.kind, model.shape(to)?.kind) {
            (Kind::Structure, Kind::Structure) => collect(model, from, to, pairs)?,
            (one, other) if one == other => {}
            _ => bail!("{member} is of another kind in {from} and {to}"),
        }
    }
    Ok(())
}

/// The members that both have, with their shapes.
pub(super) fn shared_members<'m>(
    model: &'m Model,
    from: &str,
    to: &str,
) -> Result<impl Iterator<Item = (&'m str, &'m str, &'m str)>> {
    let to: &Shape = model.shape(to)?;
    let members = model.shape(from)?.members.iter();
    Ok(members.filter_map(move |(name, from)| {
        to.members.get(name).map(|to| (name.as_str(), from.shape.as_str(), to.shape.as_str()))
    }))
}

/// The shape itself, or that of a list's items.
fn value<'m>(model: &'m Model, name: &'m str) -> Result<&'m str> {
    Ok(model.shape(name)?.member.as_ref().map_or(name, |item| item.shape.as_str()))
}
