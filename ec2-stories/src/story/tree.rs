//! The parsed tree, and making parts of it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// What is wrong with a value, and where.
pub(super) struct Wrong {
    pub(super) span: Range<usize>,
    pub(super) message: String,
}

impl Wrong {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }
}

pub(super) type Checked<T> = Result<T, Wrong>;

pub(super) fn text<'i>(span: Range<usize>, text: impl Into<String>) -> Value<'i> {
    Spanned::new(span, DeValue::String(DeString::Owned(text.into())))
}

pub(super) fn array(span: Range<usize>, values: Vec<Value<'_>>) -> Value<'_> {
    Spanned::new(span, DeValue::Array(values.into_iter().collect::<DeArray<'_>>()))
}

pub(super) fn table<'i>(
    span: Range<usize>,
    entries: impl IntoIterator<Item = (&'static str, Value<'i>)>,
) -> Value<'i> {
    let mut table = DeTable::new();
    for (key, value) in entries {
        table.insert(Spanned::new(value.span(), DeString::Borrowed(key)), value);
    }
    Spanned::new(span, DeValue::Table(table))
}

/// The string in a value, or a complaint that names what was expected.
pub(super) fn string<'v>(value: &'v Value<'_>, expected: &str) -> Checked<&'v str> {
    value.get_ref().as_str().ok_or_else(|| Wrong::new(value.span(), format!("expected {expected}")))
}

/// Refuses keys that are not among `known`.
pub(super) fn only(table: &DeTable<'_>, known: &[&str]) -> Checked<()> {
    match table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
        None => Ok(()),
        Some(key) => {
            let known = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            Err(Wrong::new(key.span(), format!("unknown field `{}`, expected one of {known}", key.get_ref())))
        }
    }
}
