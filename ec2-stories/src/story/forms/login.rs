//! `login = { private_key = "…" }`: paths that start from the story file.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::story::tree::{Checked, Value, Wrong, string, text};

pub(super) fn write_out<'i>(mut value: Value<'i>, folder: &Path) -> Checked<Value<'i>> {
    let span = value.span();
    let DeValue::Table(login) = value.get_mut() else {
        return Err(Wrong::new(span, "a login is { user = \"admin\", private_key = \"id_ed25519\" }"));
    };
    from_folder(login, "private_key", folder)?;
    if let Some(keys) = login.get_mut("host_keys")
        && let DeValue::Table(keys) = keys.get_mut()
    {
        from_folder(keys, "known_hosts", folder)?;
        from_folder(keys, "injected", folder)?;
    }
    Ok(value)
}

fn from_folder(table: &mut DeTable<'_>, key: &str, folder: &Path) -> Checked<()> {
    if let Some(value) = table.get_mut(key) {
        let path = folder.join(string(value, "a path")?);
        *value = text(value.span(), path.display().to_string());
    }
    Ok(())
}
