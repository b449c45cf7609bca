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
            let path = if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
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
        let mut path = field;
        loop {
            if let Some(span) = self.0.get(path) {
                return Some(span.clone());
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

/// The part of a value that a message is about: the reference or the quoted text in the message.
pub(super) fn narrow(source: &str, span: Range<usize>, message: &str) -> Range<usize> {
    let Some(value) = source.get(span.clone()) else { return span };
    let cited = [("${", '}'), ("\"", '"')].into_iter().filter_map(|(open, close)| {
        let at = message.find(open)?;
        let length = message[at + open.len()..].find(close)?;
        message.get(at..at + open.len() + length + close.len_utf8())
    });
    let found = cited.filter_map(|cited| value.find(cited).map(|at| (span.start + at, cited.len()))).next();
    found.map_or(span, |(start, length)| start..start + length)
}
