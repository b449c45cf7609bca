//! Credentials that were rotated while the SDK still holds the old ones.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_sdk_s3::config::{
    ConfigBag, IdentityCache, ResolveCachedIdentity, RuntimeComponents, SharedIdentityCache,
};
use aws_smithy_runtime_api::client::identity::{IdentityFuture, SharedIdentityResolver};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use tokio::time::Instant;

use crate::error::is_about_credentials;

/// Credentials that are younger than this and refused are wrong, not old.
const YOUNG: Duration = Duration::from_secs(5);

/// The SDK's identity cache, emptied when S3 refuses what came out of it: the account is asked again, and the call
/// repeated as often as any other that failed.
#[derive(Clone, Debug)]
pub(crate) struct FreshIdentity(Arc<RwLock<Filled>>);

#[derive(Debug)]
struct Filled {
    cache: SharedIdentityCache,
    /// When it was emptied last.
    since: Option<Instant>,
}

impl FreshIdentity {
    pub(super) fn new() -> Self {
        Self(Arc::new(RwLock::new(Filled { cache: IdentityCache::lazy().build(), since: None })))
    }

    /// Empties the cache unless that was done a moment ago; says whether it did.
    pub(crate) fn refresh(&self) -> bool {
        let mut filled = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let old = filled.since.is_none_or(|since| since.elapsed() >= YOUNG);
        if old {
            *filled = Filled { cache: IdentityCache::lazy().build(), since: Some(Instant::now()) };
        }
        old
    }
}

impl ResolveCachedIdentity for FreshIdentity {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        let cache = self.0.read().unwrap_or_else(PoisonError::into_inner).cache.clone();
        IdentityFuture::new(async move { cache.resolve_cached_identity(resolver, components, config).await })
    }
}

impl ClassifyRetry for FreshIdentity {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        // Asked more than once about one reply, by the SDK's retries and by its connection pool.
        if refuses_credentials(context) {
            self.refresh();
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "ec2-stories fresh identity"
    }
}

/// A classifier serves all operations, whose error types are all different, so the code is read from the reply. The
/// reply to HEAD has none: S3 answers 400 to it when a token has expired, and for little else.
fn refuses_credentials(context: &InterceptorContext) -> bool {
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
