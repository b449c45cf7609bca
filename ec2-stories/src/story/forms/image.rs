//! `image = "ami-…"`

use std::path::Path;

use crate::story::tree::{Checked, Value, Wrong, table, text};

pub(super) fn write_out<'i>(value: Value<'i>, _: &Path) -> Checked<Value<'i>> {
    let span = value.span();
    match value.get_ref().as_str() {
        None => Ok(value),
        Some(id) if id.starts_with("ami-") => Ok(table(span.clone(), [("id", text(span, id))])),
        Some(other) => Err(Wrong::new(
            span,
            format!(
                "an image is \"ami-…\", {{ public = \"debian-12\" }} or {{ newest = {{ owner = \"self\", name = \"web-*\" }} }}, not {other:?}"
            ),
        )),
    }
}
