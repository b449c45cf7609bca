//! Preconditions of reads and writes.

use s3s::dto::{ETag, ETagCondition, Timestamp as Date};
use s3s::{S3ErrorCode, S3Result};

use super::error::{custom, no_such_key, precondition_failed, refuse};
use super::state::Object;

/// What a read asks for, in the precedence of RFC 9110, section 13.2.2.
#[derive(Debug, Default)]
pub(super) struct Reading<'a> {
    pub(super) matches: Option<&'a ETagCondition>,
    pub(super) none_match: Option<&'a ETagCondition>,
    pub(super) modified_since: Option<&'a Date>,
    pub(super) unmodified_since: Option<&'a Date>,
}

impl Reading<'_> {
    pub(super) fn check(&self, object: &Object) -> S3Result<()> {
        match self.matches {
            Some(condition) if !holds(condition, &object.etag) => return Err(precondition_failed()),
            None if self.unmodified_since.is_some_and(|date| seconds(date) < object.modified.as_second()) => {
                return Err(precondition_failed());
            }
            _ => {}
        }
        let unchanged = match self.none_match {
            Some(condition) => holds(condition, &object.etag),
            None => self.modified_since.is_some_and(|date| seconds(date) >= object.modified.as_second()),
        };
        if unchanged {
            let mut error = refuse(S3ErrorCode::NotModified, "Not Modified");
            if let Ok(etag) = http::HeaderValue::from_str(&format!("\"{}\"", object.etag)) {
                error.set_headers(http::HeaderMap::from_iter([(http::header::ETAG, etag)]));
            }
            return Err(error);
        }
        Ok(())
    }

    /// As the source of a copy: what is unchanged fails too.
    pub(super) fn check_source(&self, object: &Object) -> S3Result<()> {
        self.check(object).map_err(|_| precondition_failed())
    }
}

/// Source: S3 user guide, "How to prevent object overwrites with conditional writes".
pub(super) fn check_write(
    matches: Option<&ETagCondition>,
    none_match: Option<&ETagCondition>,
    object: Option<&Object>,
) -> S3Result<()> {
    match (matches, none_match) {
        (Some(_), Some(_)) | (_, Some(ETagCondition::ETag(_))) | (Some(ETagCondition::Any), None) => {
            let message = "A header you provided implies functionality that is not implemented";
            Err(custom("NotImplemented", 501, message))
        }
        (None, Some(ETagCondition::Any)) if object.is_some() => Err(precondition_failed()),
        (Some(condition), None) => match object {
            None => Err(no_such_key()),
            Some(object) if holds(condition, &object.etag) => Ok(()),
            Some(_) => Err(precondition_failed()),
        },
        _ => Ok(()),
    }
}

pub(super) fn holds(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => ETag::value(wanted) == etag,
    }
}

/// HTTP dates are whole seconds; this type shows them as a number only in text.
fn seconds(date: &Date) -> i64 {
    let mut text = Vec::new();
    let written = date.format(s3s::dto::TimestampFormat::EpochSeconds, &mut text);
    let number = written.ok().and_then(|()| String::from_utf8(text).ok()?.parse::<f64>().ok());
    number.unwrap_or_default() as i64
}
