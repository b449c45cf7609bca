//! S3's error codes
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).

use ec2_stories_core::{ErrorKind, Status};

/// What a code means, and its status where the kind's own, or the call's, is not the right one.
pub(super) fn meaning(code: &str, http: u16) -> (ErrorKind, Option<Status>) {
    use ErrorKind::{
        Conflict, Corrupt, Credentials, Failed, Forbidden, InUse, Invalid, Limit, NotFound, Throttled,
        Unavailable, Unexpected, Unsupported,
    };
    let kind = match code {
        "SlowDown" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequests" => {
            Throttled
        }
        "NoSuchKey" | "NoSuchBucket" | "NoSuchUpload" | "NoSuchVersion" | "NotFound" => NotFound,
        "PreconditionFailed" | "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => Conflict,
        // Another change of the same was under way; this one was not made.
        "ConditionalRequestConflict" | "OperationAborted" => return (Conflict, Some(Status::Temporary)),
        "BucketNotEmpty" => return (InUse, Some(Status::Permanent)),
        "AuthFailure"
        | "ExpiredToken"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "TokenRefreshRequired" => Credentials,
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "NotSignedUp" | "MethodNotAllowed" => {
            Forbidden
        }
        "NotImplemented" => Unsupported,
        // What arrived is not what was sent; nothing was stored.
        "BadDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" => {
            return (Corrupt, Some(Status::Temporary));
        }
        // Also inside a reply whose status says that all is well.
        "InternalError" | "ServiceUnavailable" => Unavailable,
        "RequestTimeout" => return (Unavailable, Some(Status::Temporary)),
        "EntityTooLarge" | "TooManyBuckets" | "QuotaExceeded" => Limit,
        "InvalidObjectState" | "InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" => Failed,
        _ if is_redirect(code) => Invalid,
        _ => match http {
            501 => Unsupported,
            429 => Throttled,
            500.. => Unavailable,
            404 => NotFound,
            412 => Conflict,
            403 => Forbidden,
            400..500 => Invalid,
            _ => Unexpected,
        },
    };
    (kind, None)
}

/// The code of a reply without a body.
pub(super) fn of_status(http: u16) -> &'static str {
    match http {
        301 => "PermanentRedirect",
        304 => "NotModified",
        400 => "BadRequest",
        403 => "AccessDenied",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "ConditionalRequestConflict",
        412 => "PreconditionFailed",
        416 => "InvalidRange",
        429 => "TooManyRequests",
        501 => "NotImplemented",
        503 => "SlowDown",
        500.. => "InternalError",
        _ => "Unknown",
    }
}

/// What to say where the server says nothing.
pub(super) fn message(operation: &str, code: &str) -> &'static str {
    match code {
        // S3 does not tell who may not list the bucket whether a key is there.
        "AccessDenied" if operation == "HeadObject" => {
            "does not exist, or the account may not read it; with s3:ListBucket on the bucket S3 would say which"
        }
        "NotFound" | "NoSuchKey" => "does not exist",
        "NotModified" => "is unchanged",
        "AccessDenied" => "the account may not do this",
        "PreconditionFailed" => "is not as expected",
        "PermanentRedirect" => "the bucket is in another region",
        "BadRequest" => "refused, maybe for credentials that have expired",
        _ => "no message",
    }
}

/// The bucket is elsewhere.
pub(super) fn is_redirect(code: &str) -> bool {
    matches!(
        code,
        "PermanentRedirect"
            | "TemporaryRedirect"
            | "Redirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException"
    )
}

/// The credentials were refused, whatever they may do.
pub(crate) fn is_about_credentials(code: &str) -> bool {
    meaning(code, 0).0 == ErrorKind::Credentials
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_tried_again_is_told_from_what_may_not() {
        assert_eq!(meaning("SlowDown", 503), (ErrorKind::Throttled, None));
        assert_eq!(meaning("PreconditionFailed", 412), (ErrorKind::Conflict, None));
        let busy = (ErrorKind::Conflict, Some(Status::Temporary));
        assert_eq!(meaning("ConditionalRequestConflict", 409), busy);
        assert_eq!(meaning("BadDigest", 400), (ErrorKind::Corrupt, Some(Status::Temporary)));
        assert_eq!(meaning("InternalError", 500), (ErrorKind::Unavailable, None));
        assert_eq!(meaning("InternalError", 200), (ErrorKind::Unavailable, None));
        assert_eq!(meaning("SomethingNew", 400), (ErrorKind::Invalid, None));
        assert_eq!(meaning("SomethingNew", 501), (ErrorKind::Unsupported, None));
    }

    #[test]
    fn a_reply_without_a_body_has_a_code_all_the_same() {
        for http in [301, 304, 400, 403, 404, 405, 409, 412, 416, 429, 500, 501, 503] {
            assert_ne!(of_status(http), "Unknown", "{http}");
        }
    }

    #[test]
    fn a_refused_look_at_an_object_says_what_it_may_mean() {
        assert!(message("HeadObject", "AccessDenied").contains("s3:ListBucket"));
        assert!(!message("HeadBucket", "AccessDenied").contains("s3:ListBucket"));
    }

    #[test]
    fn only_refused_credentials_are_asked_for_again() {
        assert!(is_about_credentials("ExpiredToken"));
        assert!(!is_about_credentials("AccessDenied"));
    }
}
