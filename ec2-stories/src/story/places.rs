//! Which part of a story file says what.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::tree::Value;

/// Where each field of a story stands, by its path as errors name it: `fleet.web.firewall.rules[0].ports`.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(BTreeMap<String, Range<usize>>);

impl Places {
    pub(super) fn of(root: &DeTable<'_>) -> Self {
        let mut places = Self::default();
        places.table("", root);
        places
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path =
                if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
            self.value(path, value);
        }
    }

    fn value(&mut self, path: String, value: &Value<'_>) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(&path, table),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let name = item.get_ref().get("name").and_then(|name| name.get_ref().as_str());
                    match name {
                        Some(name) if path == "fleet" => self.value(format!("fleet.{name}"), item),
                        _ => self.value(format!("{path}[{index}]"), item),
                    }
                }
            }
            _ => {}
        }
        self.0.insert(path, value.span());
    }

    /// The place of `field`, or of the nearest field around it that the file has.
    pub(super) fn find(&self, field: &str) -> Option<Range<usize>> {
        self.nearest(field).map(|path| self.0[path].clone())
    }

    /// As [`find`](Self::find), with everything that stands within the field.
    pub(super) fn whole(&self, field: &str) -> Option<Range<usize>> {
        let path = self.nearest(field)?;
        let within = |other: &str| {
            other.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let spans = self.0.iter().filter(|(other, _)| within(other)).map(|(_, span)| span);
        spans.cloned().reduce(|all, span| all.start.min(span.start)..all.end.max(span.end))
    }

    fn nearest<'f>(&self, field: &'f str) -> Option<&'f str> {
        let mut path = field;
        while !self.0.contains_key(path) {
            path = &path[..path.rfind(['.', '['])?];
        }
        Some(path)
    }
}

/// The part of a value that a message is about: the reference or the quoted text in the message.
pub(super) fn cited(source: &str, span: Range<usize>, message: &str) -> Option<Range<usize>> {
    let value = source.get(span.clone())?;
    let texts = [("${", '}'), ("\"", '"')].into_iter().filter_map(|(open, close)| {
        let at = message.find(open)?;
        let length = message[at + open.len()..].find(close)?;
        message.get(at..at + open.len() + length + close.len_utf8())
    });
    let found = texts.filter_map(|text| value.find(text).map(|at| (span.start + at, text.len()))).next();
    found.map(|(start, length)| start..start + length)
}
