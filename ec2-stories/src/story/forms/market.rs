//! `market = "spot"`

use std::path::Path;

use crate::story::tree::{Checked, Value, table};

pub(super) fn write_out<'i>(value: Value<'i>, _: &Path) -> Checked<Value<'i>> {
    let span = value.span();
    match value.get_ref().as_str() {
        Some("spot") => Ok(table(span.clone(), [("spot", table(span, []))])),
        _ => Ok(value),
    }
}
