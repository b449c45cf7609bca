//! Keys, of every kind of character.

use ec2_stories_core::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but what needs no encoding in a path
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html#API_CopyObject_RequestSyntax>).
const IN_COPY_SOURCE: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Checks a key against S3's limits: 1 to 1,024 bytes.
pub(crate) fn check(key: &str) -> Result<()> {
    if (1..=1024).contains(&key.len()) {
        Ok(())
    } else {
        Err(Error::invalid("key", format!("1 to 1,024 bytes, not {}", key.len())))
    }
}

/// A key as it is, from a list that was asked for in URL encoding: XML cannot carry every character.
pub(crate) fn as_sent(key: String, encoded: bool) -> String {
    if !encoded {
        return key;
    }
    // A space is a plus sign, as in forms.
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map_or(key, std::borrow::Cow::into_owned)
}

/// Whether an XML document can carry it as it is.
pub(crate) fn fits_xml(key: &str) -> bool {
    !key.chars().any(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// The source of a copy: a header, so in URL encoding.
pub(crate) fn copy_source(bucket: &str, key: &str) -> String {
    format!("{bucket}/{}", utf8_percent_encode(key, &IN_COPY_SOURCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back_from_a_list_as_they_were() {
        assert_eq!(as_sent("a+b%2Bc/d%25+%C3%A4%01".to_owned(), true), "a b+c/d% ä\u{1}");
        assert_eq!(as_sent("a+b%2B".to_owned(), false), "a+b%2B");
    }

    #[test]
    fn what_xml_cannot_carry_is_known() {
        assert!(fits_xml("a b/ä<&>\"'日本\\"));
        for key in ["\u{1}", "a\rb", "a\n", "\u{7f}", "\u{ffff}"] {
            assert!(!fits_xml(key), "{key:?}");
        }
    }

    #[test]
    fn a_copys_source_is_a_header() {
        assert_eq!(copy_source("b", "a b/ä?"), "b/a%20b/%C3%A4%3F");
    }

    #[test]
    fn the_limits_are_s3s() {
        assert!(check("k").is_ok() && check(&"k".repeat(1024)).is_ok());
        assert!(check("").is_err() && check(&"ä".repeat(513)).is_err());
    }
}
