//! `key = { public_key_file = "…" }`, and paths that start from the story file.

use std::path::Path;

use toml::de::DeValue;

use crate::story::tree::{Checked, Value, Wrong, only, string, table, text};

pub(super) fn write_out<'i>(value: Value<'i>, folder: &Path) -> Checked<Value<'i>> {
    let span = value.span();
    let DeValue::Table(key) = value.get_ref() else {
        return Err(Wrong::new(
            span,
            "a key is { existing = … }, { public_key_file = … } or { generated = … }",
        ));
    };
    only(key, &["existing", "public_key", "public_key_file", "generated"])?;
    if key.len() != 1 {
        return Err(Wrong::new(span, "a key is one of existing, public_key, public_key_file and generated"));
    }
    if let Some(file) = key.get("public_key_file") {
        let path = folder.join(string(file, "a path")?);
        let public = std::fs::read_to_string(&path)
            .map_err(|error| Wrong::new(file.span(), format!("{}: {error}", path.display())))?;
        if public.contains("PRIVATE KEY") {
            return Err(Wrong::new(file.span(), format!("{} holds a private key", path.display())));
        }
        return Ok(table(span, [("public_key", text(file.span(), public.trim()))]));
    }
    if let Some(file) = key.get("generated") {
        let path = folder.join(string(file, "a path")?);
        return Ok(table(span, [("generated", text(file.span(), path.display().to_string()))]));
    }
    Ok(value)
}
