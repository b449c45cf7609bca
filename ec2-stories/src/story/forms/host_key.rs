//! `host_key = { injected = "…" }`: the folder starts from the story file.

use std::path::Path;

use toml::de::DeValue;

use crate::story::tree::{Checked, Value, Wrong, only, string, table, text};

pub(super) fn write_out<'i>(value: Value<'i>, folder: &Path) -> Checked<Value<'i>> {
    let span = value.span();
    let DeValue::Table(host_key) = value.get_ref() else {
        return Err(Wrong::new(span, "a host key is { injected = \"FOLDER\" }"));
    };
    only(host_key, &["injected"])?;
    let Some(injected) = host_key.get("injected") else {
        return Err(Wrong::new(span, "a host key is { injected = \"FOLDER\" }"));
    };
    let path = folder.join(string(injected, "a folder")?);
    Ok(table(span, [("injected", text(injected.span(), path.display().to_string()))]))
}
