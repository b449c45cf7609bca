//! Credentials that were rotated while the SDK still holds the old ones.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_sdk_ec2::config::{
    ConfigBag, IdentityCache, ResolveCachedIdentity, RuntimeComponents, SharedIdentityCache,
};
use aws_smithy_runtime_api::client::identity::{IdentityFuture, SharedIdentityResolver};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use tokio::time::Instant;

use super::retry::code;
use crate::error::is_about_credentials;

/// Credentials that are younger than this and refused are wrong, not old.
const YOUNG: Duration = Duration::from_secs(5);

/// The SDK's identity cache, emptied when EC2 refuses what came out of it: the account is asked again, and the call
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
    pub(crate) fn new() -> Self {
        Self(Arc::new(RwLock::new(Filled { cache: IdentityCache::lazy().build(), since: None })))
    }

    /// Empties the cache unless that was done a moment ago.
    fn refresh(&self) {
        let mut filled = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if filled.since.is_none_or(|since| since.elapsed() >= YOUNG) {
            *filled = Filled { cache: IdentityCache::lazy().build(), since: Some(Instant::now()) };
        }
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
        if code(context).is_some_and(is_about_credentials) {
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
