//! Credentials that S3 refuses.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;

use crate::error::is_about_credentials;

/// Whether they were refused, and may have been rotated since they were asked for.
///
/// A classifier serves all operations, whose error types are all different, so the code is read from the reply. The
/// reply to HEAD has none: S3 answers 400 to it when a token has expired, and for little else.
pub(super) fn refuses_credentials(context: &InterceptorContext) -> bool {
    if !matches!(context.output_or_error(), Some(Err(_))) {
        return false;
    }
    let Some(response) = context.response() else { return false };
    let Some(body) = response.body().bytes().and_then(|body| std::str::from_utf8(body).ok()) else {
        return false;
    };
    match body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")) {
        Some((code, _)) => is_about_credentials(code),
        None => body.is_empty() && response.status().as_u16() == 400,
    }
}
