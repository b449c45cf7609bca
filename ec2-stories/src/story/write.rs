//! Writing a story.

use ec2_stories_core::model::DeploymentSpec;
use toml::{Table, Value};

use super::customized::Customized;
use super::probes::Probes;
use crate::{Error, ErrorKind, Result};

/// Writes a description as a story file, in the short forms. Read again, it is equal.
///
/// # Errors
/// [`ErrorKind::Invalid`] for what TOML cannot say.
pub fn to_toml(spec: &DeploymentSpec) -> Result<String> {
    written(spec, &Customized::default(), &Probes::default())
}

pub(super) fn written(spec: &DeploymentSpec, customized: &Customized, probes: &Probes) -> Result<String> {
    let invalid = |error: toml::ser::Error| {
        Error::new(ErrorKind::Invalid, "cannot be written as a story").because(error)
    };
    let mut story = Table::try_from(spec).map_err(invalid)?;
    for fleet in story.get_mut("fleet").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(fleet) = fleet.as_table_mut() {
            customized.write(fleet).map_err(invalid)?;
            probes.write(fleet).map_err(invalid)?;
            shorten(fleet);
        }
    }
    toml::to_string_pretty(&story).map_err(invalid)
}

fn shorten(fleet: &mut Table) {
    if let Some(image) = fleet.get_mut("image")
        && let Some(id) =
            image.get("id").filter(|id| id.as_str().is_some_and(|id| id.starts_with("ami-"))).cloned()
    {
        *image = id;
    }
    if let Some(file) = fleet.get_mut("image").and_then(|image| image.get_mut("file"))
        && file.as_table().is_some_and(|file| file.len() == 1)
        && let Some(path) = file.get("path").cloned()
    {
        *file = path;
    }
    if let Some(rules) =
        fleet.get_mut("firewall").and_then(|policy| policy.get_mut("rules")).and_then(Value::as_array_mut)
    {
        let rules = rules.iter().map(short_rule).collect();
        fleet.insert("firewall".to_owned(), Value::Array(rules));
    }
}

fn short_rule(rule: &Value) -> Value {
    let Some((protocol, from)) = rule["protocol"].as_str().zip(short_source(&rule["source"])) else {
        return rule.clone();
    };
    let ports = match rule.get("ports") {
        None => Value::Boolean(true),
        Some(ports) if ports["from"] == ports["to"] => ports["from"].clone(),
        Some(ports) => Value::String(format!("{}-{}", ports["from"], ports["to"])),
    };
    let mut short =
        Table::from_iter([(protocol.to_owned(), ports), ("from".to_owned(), Value::String(from))]);
    if let Some(description) = rule.get("description") {
        short.insert("description".to_owned(), description.clone());
    }
    Value::Table(short)
}

fn short_source(source: &Value) -> Option<String> {
    if let Some(word) = source.as_str() {
        return Some(word.replace('_', "-"));
    }
    let (kind, what) = source.as_table()?.iter().next()?;
    match (kind.as_str(), what.as_str()?) {
        ("fleet", name) => Some(format!("fleet:{name}")),
        ("group", id) if !id.starts_with("sg-") => None,
        (_, what) => Some(what.to_owned()),
    }
}
