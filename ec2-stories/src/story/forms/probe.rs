//! `probe = { http = { ca = { file = "ca.pem" } } }`: certificates in files, whose paths start from the story file. So do the paths
//! of what heartbeats need on this machine, in probes and in steps.

use std::path::Path;

use toml::de::DeValue;

use crate::story::tree::{Checked, Value, Wrong, only, string, text};

pub(super) fn write_out<'i>(mut value: Value<'i>, folder: &Path) -> Checked<Value<'i>> {
    certificates(&mut value, folder)?;
    Ok(value)
}

fn certificates(value: &mut Value<'_>, folder: &Path) -> Checked<()> {
    match value.get_mut() {
        DeValue::Array(members) => members.iter_mut().try_for_each(|member| certificates(member, folder)),
        DeValue::Table(table) => {
            for (key, value) in table.iter_mut() {
                match key.get_ref().as_ref() {
                    "ca" | "pinned" => from_file(value, folder)?,
                    "heartbeat" => heartbeat(value, folder)?,
                    _ => certificates(value, folder)?,
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn heartbeat(value: &mut Value<'_>, folder: &Path) -> Checked<()> {
    let DeValue::Table(table) = value.get_mut() else { return Ok(()) };
    for (key, value) in table.iter_mut() {
        match key.get_ref().as_ref() {
            "ca" => from_file(value, folder)?,
            "key_file" | "certificate" | "private_key" => {
                let path = folder.join(string(value, "a path")?);
                *value = text(value.span(), path.display().to_string());
            }
            _ => {}
        }
    }
    Ok(())
}

fn from_file(value: &mut Value<'_>, folder: &Path) -> Checked<()> {
    let DeValue::Table(named) = value.get_ref() else { return Ok(()) };
    only(named, &["file"])?;
    let Some(file) = named.get("file") else {
        return Err(Wrong::new(value.span(), "a certificate is its text, or { file = \"ca.pem\" }"));
    };
    let (span, path) = (file.span(), folder.join(string(file, "a path")?));
    let pem = std::fs::read_to_string(&path)
        .map_err(|error| Wrong::new(span.clone(), format!("{}: {error}", path.display())))?;
    if pem.contains("PRIVATE KEY") {
        return Err(Wrong::new(span, format!("{} holds a private key", path.display())));
    }
    *value = text(span, pem);
    Ok(())
}
