//! `Filter.N`: which of the described resources are meant.
//!
//! Source: EC2 user guide, "List and filter using the CLI and API" (values of one filter are joined with OR, filters
//! with AND; values are case-sensitive; `*` stands for any characters, `?` for one, a backslash for itself before these).

use crate::wire::ApiError;
use crate::wire::generated::ec2::{Filter, Tag};

/// A filter's name, and the values that a resource has for it.
pub(crate) type Field<T> = (&'static str, fn(&T) -> Vec<String>);

/// A resource as it is described.
pub(crate) trait Filterable: Sized + 'static {
    /// Every filter but those of tags. Others are refused.
    const FIELDS: &'static [Field<Self>];

    /// The tags, or nothing for what cannot be tagged.
    fn tags(&self) -> Option<&[Tag]>;
    /// Whether `tag:KEY` and `tag-key` are filters of this resource.
    const TAGGED: bool = true;
}

/// "Maximum number of filter values specified on a single call: 200", code FilterLimitExceeded.
const MAX_VALUES: usize = 200;

/// The filters of a request, all known.
#[derive(Debug)]
pub(crate) struct Matcher<'a, T>(Vec<(Property<'a, T>, &'a [String])>);

#[derive(Debug)]
enum Property<'a, T> {
    Field(fn(&T) -> Vec<String>),
    Tag(&'a str),
    TagKey,
}

impl<'a, T: Filterable> Matcher<'a, T> {
    pub(crate) fn new(filters: &'a [Filter]) -> Result<Self, ApiError> {
        if filters.iter().map(|filter| filter.values.len()).sum::<usize>() > MAX_VALUES {
            let message = format!("The maximum length for a filter value list is {MAX_VALUES}.");
            return Err(ApiError::new("FilterLimitExceeded", message));
        }
        let known = |filter: &'a Filter| {
            let name = filter.name.as_deref().ok_or_else(|| ApiError::missing_parameter("Filter.Name"))?;
            Ok((property(name)?, filter.values.as_slice()))
        };
        filters.iter().map(known).collect::<Result<_, ApiError>>().map(Self)
    }

    pub(crate) fn matches(&self, resource: &T) -> bool {
        self.0.iter().all(|(property, patterns)| {
            let any = |value: &str| patterns.iter().any(|pattern| wildcard(pattern, value));
            let tags = resource.tags().unwrap_or_default();
            match property {
                Property::Field(values) => values(resource).iter().any(|value| any(value)),
                Property::Tag(key) => tags.iter().any(|tag| {
                    tag.key.as_deref() == Some(key) && any(tag.value.as_deref().unwrap_or_default())
                }),
                Property::TagKey => tags.iter().any(|tag| any(tag.key.as_deref().unwrap_or_default())),
            }
        })
    }
}

fn property<T: Filterable>(name: &str) -> Result<Property<'_, T>, ApiError> {
    if let Some((_, values)) = T::FIELDS.iter().find(|(known, _)| *known == name) {
        return Ok(Property::Field(*values));
    }
    match name.strip_prefix("tag:") {
        Some(key) if T::TAGGED => Ok(Property::Tag(key)),
        None if T::TAGGED && name == "tag-key" => Ok(Property::TagKey),
        _ => Err(ApiError::invalid_parameter(format!("The filter '{name}' is invalid"))),
    }
}

/// Those of `resources` that pass every filter.
pub(crate) fn matching<T: Filterable>(
    resources: impl IntoIterator<Item = T>,
    filters: &[Filter],
) -> Result<Vec<T>, ApiError> {
    let matcher = Matcher::new(filters)?;
    Ok(resources.into_iter().filter(|resource| matcher.matches(resource)).collect())
}

/// A member's value, for a table of fields.
pub(crate) fn value<V: ToString>(member: &Option<V>) -> Vec<String> {
    member.iter().map(ToString::to_string).collect()
}

/// The same member of every item of a list.
pub(crate) fn values<I, V: ToString>(items: &[I], member: impl Fn(&I) -> &Option<V>) -> Vec<String> {
    items.iter().filter_map(|item| member(item).as_ref().map(ToString::to_string)).collect()
}

/// Whether a text is what a pattern says, in time that is at most the product of their lengths.
pub(crate) fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (tokens(pattern), text.chars().collect::<Vec<_>>());
    let (mut at, mut from) = (0, 0);
    // Where to go on after the last `*`, should what follows it not fit.
    let mut retry = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(Token::Any) => {
                at += 1;
                retry = Some((at, from));
            }
            Some(token) if token.fits(text[from]) => (at, from) = (at + 1, from + 1),
            _ => {
                let Some((after, begun)) = retry else { return false };
                (at, from) = (after, begun + 1);
                retry = Some((at, from));
            }
        }
    }
    pattern[at..].iter().all(|token| *token == Token::Any)
}

#[derive(Clone, Copy, PartialEq)]
enum Token {
    Any,
    One,
    Char(char),
}

impl Token {
    fn fits(self, char: char) -> bool {
        self == Self::One || self == Self::Char(char)
    }
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut chars = pattern.chars();
    let mut tokens = Vec::new();
    while let Some(char) = chars.next() {
        tokens.push(match char {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => Token::Char(chars.next().unwrap_or('\\')),
            char => Token::Char(char),
        });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::generated::ec2::Vpc;

    impl Filterable for (Option<String>, Vec<Tag>) {
        const FIELDS: &'static [Field<Self>] = &[("name", |(name, _)| value(name))];

        fn tags(&self) -> Option<&[Tag]> {
            Some(&self.1)
        }
    }

    fn filter(name: &str, values: &[&str]) -> Filter {
        Filter { name: Some(name.into()), values: values.iter().map(ToString::to_string).collect() }
    }

    fn passes(filters: &[Filter]) -> bool {
        let tag = Tag { key: Some("role".into()), value: Some("web".into()) };
        !matching([(Some("alpha".to_owned()), vec![tag])], filters).unwrap().is_empty()
    }

    #[test]
    fn values_are_alternatives_and_filters_are_conditions() {
        assert!(passes(&[]));
        assert!(passes(&[filter("name", &["beta", "alpha"]), filter("tag:role", &["w?b"])]));
        assert!(!passes(&[filter("name", &["alpha"]), filter("tag:role", &["db"])]));
        assert!(passes(&[filter("tag-key", &["role"])]));
        assert!(!passes(&[filter("name", &["Alpha"])]));
        assert!(!passes(&[filter("name", &[])]));
    }

    #[test]
    fn an_unknown_filter_is_refused_even_when_nothing_could_match() {
        let error = matching(Vec::<Vpc>::new(), &[filter("nonsense", &["x"])]).unwrap_err();
        assert_eq!(
            (&*error.code, &*error.message),
            ("InvalidParameterValue", "The filter 'nonsense' is invalid")
        );
    }

    #[test]
    fn more_than_200_values_are_refused() {
        let error = matching(Vec::<Vpc>::new(), &[filter("vpc-id", &["x"; 201])]).unwrap_err();
        assert_eq!(error.code, "FilterLimitExceeded");
    }

    #[test]
    fn wildcards_and_their_escape() {
        for (pattern, text) in [
            ("a*c", "abbc"),
            ("*", ""),
            ("a?c", "aéc"),
            (r"\*", "*"),
            ("debian-12-*-2026*", "debian-12-amd64-20260101-1"),
        ] {
            assert!(wildcard(pattern, text), "{pattern} {text}");
        }
        assert!(!wildcard(&"*a".repeat(50), &"a".repeat(49)));
        for (pattern, text) in [("a*c", "abb"), ("a?c", "ac"), (r"\*", "x"), ("", "x"), ("abc", "ab")] {
            assert!(!wildcard(pattern, text), "{pattern} {text}");
        }
    }
}
