//! `image = "ami-…"` and `image = { file = "…" }`

use std::path::Path;

use toml::de::DeValue;

use crate::story::tree::{Checked, Value, Wrong, table, text};

pub(super) fn write_out<'i>(value: Value<'i>, folder: &Path) -> Checked<Value<'i>> {
    let span = value.span();
    match value.get_ref() {
        DeValue::Table(image) => match image.get("file") {
            Some(file) if image.len() == 1 => Ok(table(span, [("file", of_file(file.clone(), folder)?)])),
            _ => Ok(value),
        },
        DeValue::String(id) if id.starts_with("ami-") => {
            let id = id.to_string();
            Ok(table(span.clone(), [("id", text(span, id))]))
        }
        DeValue::String(other) => Err(Wrong::new(
            span,
            format!(
                "an image is \"ami-…\", {{ public = \"debian-12\" }}, {{ file = \"web.raw\" }} or {{ newest = {{ owner = \"self\", name = \"web-*\" }} }}, not {other:?}"
            ),
        )),
        _ => Ok(value),
    }
}

/// A path is relative to the story.
fn of_file<'i>(file: Value<'i>, folder: &Path) -> Checked<Value<'i>> {
    let span = file.span();
    let within = |path: &str| folder.join(path).into_os_string().into_string();
    let unwritable = |span| Wrong::new(span, "the story's folder has a name that is no text");
    match file.get_ref() {
        DeValue::String(path) => {
            let path = within(path).map_err(|_| unwritable(span.clone()))?;
            Ok(table(span.clone(), [("path", text(span, path))]))
        }
        DeValue::Table(described) => {
            let mut described = described.clone();
            if let Some(path) = described.get_mut("path")
                && let Some(relative) = path.get_ref().as_str()
            {
                let joined = within(relative).map_err(|_| unwritable(path.span()))?;
                *path = text(path.span(), joined);
            }
            Ok(Value::new(span, DeValue::Table(described)))
        }
        _ => Ok(file),
    }
}
