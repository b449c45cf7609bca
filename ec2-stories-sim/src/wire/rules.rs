//! What the model says about an input's values.

use super::error::ApiError;
use super::params::Cursor;

/// A member that may be left out.
pub(crate) trait Member {
    type Value;

    fn values(&self) -> &[Self::Value];
}

impl<T> Member for Option<T> {
    type Value = T;

    fn values(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T> Member for Vec<T> {
    type Value = T;

    fn values(&self) -> &[T] {
        self
    }
}

pub(crate) fn required(at: &Cursor<'_>, member: &impl Member) -> Result<(), ApiError> {
    if member.values().is_empty() { Err(ApiError::missing_parameter(at.path())) } else { Ok(()) }
}

pub(crate) fn one_of(
    at: &Cursor<'_>,
    member: &impl Member<Value = String>,
    known: &[&str],
) -> Result<(), ApiError> {
    match member.values().iter().find(|value| !known.contains(&value.as_str())) {
        Some(value) => Err(ApiError::invalid_value(value, at.path())),
        None => Ok(()),
    }
}

/// EC2's words for a page size: "Value ( 3 ) for parameter maxResults is invalid. Expecting a value greater than 5."
pub(crate) fn between(
    at: &Cursor<'_>,
    member: &impl Member<Value = i32>,
    min: i32,
    max: i32,
) -> Result<(), ApiError> {
    for value in member.values() {
        let bound = match value {
            value if *value < min => format!("greater than {min}"),
            value if *value > max => format!("less than {max}"),
            _ => continue,
        };
        let name = decapitalized(at.path());
        return Err(ApiError::invalid_parameter(format!(
            "Value ( {value} ) for parameter {name} is invalid. Expecting a value {bound}."
        )));
    }
    Ok(())
}

/// As EC2 writes names in messages.
fn decapitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_lowercase().to_string() + chars.as_str()).unwrap_or_default()
}
