//! `user_data = { file = "…" }`, and text without references; what is cloud-init's stays as it is written.

use std::path::Path;

use ec2_stories_core::attributes::Template;
use toml::de::DeValue;

use crate::story::tree::{Checked, Value, Wrong, only, string, table, text};

pub(super) fn write_out<'i>(value: Value<'i>, folder: &Path) -> Checked<Value<'i>> {
    let span = value.span();
    let user_data = match value.get_ref() {
        DeValue::String(_) => return Ok(table(span, [("text", value)])),
        DeValue::Table(user_data) => user_data,
        _ => {
            return Err(Wrong::new(
                span,
                "user data is { text = … }, { file = … }, { script = … }, { cloud_config = { … } } or { parts = [ … ] }",
            ));
        }
    };
    if ["script", "cloud_config", "parts"].iter().any(|key| user_data.contains_key(*key)) {
        return Ok(value);
    }
    only(user_data, &["text", "file", "literal", "gzip"])?;
    let (place, content) = match (user_data.get("text"), user_data.get("file")) {
        (Some(given), None) => (given.span(), string(given, "text")?.to_owned()),
        (None, Some(file)) => {
            let path = folder.join(string(file, "a path")?);
            let content = std::fs::read_to_string(&path)
                .map_err(|error| Wrong::new(file.span(), format!("{}: {error}", path.display())))?;
            (file.span(), content)
        }
        (Some(_), Some(_)) => {
            return Err(Wrong::new(span, "user data has both text and file: leave one of them away"));
        }
        (None, None) => return Err(Wrong::new(span, "user data has neither text nor file: say one of them")),
    };
    let template = match user_data.get("literal").map(|literal| (literal.span(), literal.get_ref().as_bool()))
    {
        None | Some((_, Some(false))) => Template::new(content),
        Some((_, Some(true))) => Ok(Template::literal(content)),
        Some((span, None)) => return Err(Wrong::new(span, "expected true or false")),
    };
    let template = template.map_err(|error| Wrong::new(place.clone(), error.message()))?;
    let gzip = user_data.get("gzip").map(|gzip| ("gzip", gzip.clone()));
    Ok(table(span, std::iter::once(("text", text(place, template.to_string()))).chain(gzip)))
}
