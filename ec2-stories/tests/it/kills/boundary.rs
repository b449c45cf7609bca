//! The boundaries of a controller: where it meets its journal, the cloud and its nodes. It can die at each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use ec2_stories::Result;
use ec2_stories::provider::{Expect, Tuple, TupleStore, Version};
use nix::sys::signal::{Signal, kill};
use tokio::time::Instant;

/// Counts boundaries; the process dies at the one that was named. Clones count together.
#[derive(Clone, Debug)]
pub(super) struct Boundaries(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    born: Instant,
    passed: AtomicU64,
    /// `None` is never.
    die_at: Option<u64>,
}

impl Boundaries {
    pub(super) fn dying_at(die_at: Option<u64>) -> Self {
        Self(Arc::new(Inner { born: Instant::now(), passed: AtomicU64::new(0), die_at }))
    }

    /// One more boundary. What it is is printed, for whoever asks where a controller died.
    pub(super) fn pass(&self, what: &str) {
        let number = self.0.passed.fetch_add(1, Ordering::SeqCst) + 1;
        println!("boundary {number}: {what}, after {} ms", self.0.born.elapsed().as_millis());
        if self.0.die_at == Some(number) {
            die();
        }
    }

    /// Something that has a boundary before and one after it.
    pub(super) async fn around<T>(&self, what: &str, effect: impl Future<Output = T>) -> T {
        self.pass(&format!("before {what}"));
        let done = effect.await;
        self.pass(&format!("after {what}"));
        done
    }

    pub(super) fn client(&self, inner: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Line { boundaries: self.clone(), inner })
    }

    pub(super) fn store<S: TupleStore>(&self, inner: S) -> Disk<S> {
        Disk { boundaries: self.clone(), inner }
    }
}

/// As SIGKILL from outside: nothing is cleaned up.
fn die() -> ! {
    kill(nix::unistd::getpid(), Signal::SIGKILL).unwrap();
    unreachable!("nobody survives that")
}

#[derive(Debug)]
struct Line<C> {
    boundaries: Boundaries,
    inner: C,
}

impl HttpClient for Line<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Line { boundaries: self.boundaries.clone(), inner })
    }
}

impl HttpConnector for Line<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (boundaries, inner) = (self.boundaries.clone(), self.inner.clone());
        HttpConnectorFuture::new(async move {
            let what = action(&request);
            boundaries.around(&what, inner.call(request)).await
        })
    }
}

/// `RunInstances`, of a form whose body is in memory.
fn action(request: &HttpRequest) -> String {
    let form = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    let action = form.split('&').find_map(|pair| pair.strip_prefix("Action="));
    action.unwrap_or("a request").to_owned()
}

/// A store whose every operation is between two boundaries.
#[derive(Debug)]
pub(super) struct Disk<S> {
    boundaries: Boundaries,
    inner: S,
}

#[async_trait]
impl<S: TupleStore> TupleStore for Disk<S> {
    async fn get(&self, name: &str) -> Result<Option<Tuple>> {
        self.boundaries.around(&format!("get {name}"), self.inner.get(name)).await
    }

    async fn put(&self, name: &str, value: &[u8], expect: Expect) -> Result<Version> {
        self.boundaries.around(&format!("put {name}"), self.inner.put(name, value, expect)).await
    }

    async fn delete(&self, name: &str, expect: Expect) -> Result<()> {
        self.boundaries.around(&format!("delete {name}"), self.inner.delete(name, expect)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.boundaries.around(&format!("list {prefix}"), self.inner.list(prefix)).await
    }
}
