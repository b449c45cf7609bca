//! Credentials that were rotated while the SDK still holds the old ones.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_smithy_runtime_api::client::identity::{
    IdentityFuture, ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::time::Instant;

/// Credentials that are younger than this and refused are wrong, not old.
const YOUNG: Duration = Duration::from_secs(5);

/// The SDK's identity cache, emptied when the service refuses what came out of it: the account is asked again, and the call
/// repeated as often as any other that failed.
#[derive(Clone, Debug)]
pub struct FreshIdentity {
    filled: Arc<RwLock<Filled>>,
    refuses: fn(&InterceptorContext) -> bool,
}

#[derive(Debug)]
struct Filled {
    cache: SharedIdentityCache,
    /// When it was emptied last.
    since: Option<Instant>,
}

impl FreshIdentity {
    /// An empty one. `refuses` says whether a reply is a refusal of the credentials.
    #[must_use]
    pub fn new(refuses: fn(&InterceptorContext) -> bool) -> Self {
        let filled = Filled { cache: IdentityCache::lazy().build(), since: None };
        Self { filled: Arc::new(RwLock::new(filled)), refuses }
    }

    /// Empties the cache unless that was done a moment ago; says whether it did. For calls whose retries are not the SDK's.
    pub fn refresh(&self) -> bool {
        let mut filled = self.filled.write().unwrap_or_else(PoisonError::into_inner);
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
        let cache = self.filled.read().unwrap_or_else(PoisonError::into_inner).cache.clone();
        IdentityFuture::new(async move { cache.resolve_cached_identity(resolver, components, config).await })
    }
}

impl ClassifyRetry for FreshIdentity {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        // Asked more than once about one reply, by the SDK's retries and by its connection pool.
        if (self.refuses)(context) {
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
