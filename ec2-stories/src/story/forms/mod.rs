//! The short forms that a story file may use.
//!
//! The schema of a story is that of [`DeploymentSpec`](ec2_stories_core::model::DeploymentSpec). Before it is read as
//! one, the short forms are written out in the parsed tree; every part keeps its place in the file.

mod firewall;
mod image;
mod key;
mod login;
mod market;
mod probe;
mod user_data;

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::tree::{Checked, Value, Wrong};

type Form = for<'i> fn(Value<'i>, &Path) -> Checked<Value<'i>>;

const FORMS: [(&str, Form); 8] = [
    ("firewall", firewall::write_out),
    ("image", image::write_out),
    ("key", key::write_out),
    ("login", login::write_out),
    ("market", market::write_out),
    ("probe", probe::write_out),
    ("steps", probe::write_out),
    ("user_data", user_data::write_out),
];

/// Writes out the short forms of every fleet; `folder` is what relative paths start from.
pub(super) fn write_out(root: &mut DeTable<'_>, folder: &Path) -> Checked<()> {
    let Some(fleets) = root.get_mut("fleet") else { return Ok(()) };
    let DeValue::Array(fleets) = fleets.get_mut() else {
        return Err(Wrong::new(fleets.span(), "fleets are written as [[fleet]]"));
    };
    for fleet in fleets.iter_mut() {
        let DeValue::Table(fleet) = fleet.get_mut() else { continue };
        for (name, form) in FORMS {
            if let Some(value) = fleet.get_mut(name) {
                *value = form(value.clone(), folder)?;
            }
        }
    }
    Ok(())
}
