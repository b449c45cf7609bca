//! The steps of an upload: every request and every change of the journal, before and after. A process can die at each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use ec2_stories_core::Result;
use ec2_stories_core::provider::{Expect, Tuple, TupleStore, Version};

/// Counts steps and requests; dies at a step that was named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    taken: AtomicU64,
    /// 0 is never.
    die_at: u64,
    sent: AtomicU64,
    requests: Mutex<BTreeMap<String, u64>>,
}

impl Steps {
    pub(crate) fn dying_at(step: u64) -> Self {
        Self(Arc::new(Inner { die_at: step, ..Inner::default() }))
    }

    fn step(&self) {
        if self.0.taken.fetch_add(1, Ordering::Relaxed) + 1 == self.0.die_at {
            die();
        }
    }

    /// How many requests of a kind were sent: `PUT part`, `POST complete`, …
    pub(crate) fn requests(&self, kind: &str) -> u64 {
        self.0.requests.lock().unwrap().get(kind).copied().unwrap_or(0)
    }

    /// How many bytes were sent by PUT and answered.
    pub(crate) fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn client(&self, inner: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Client { steps: self.clone(), inner })
    }

    pub(crate) fn store(&self, inner: impl TupleStore + 'static) -> Arc<dyn TupleStore> {
        Arc::new(Store { steps: self.clone(), inner })
    }
}

/// As SIGKILL does: nothing is cleaned up.
fn die() -> ! {
    let own = nix::unistd::getpid();
    nix::sys::signal::kill(own, nix::sys::signal::Signal::SIGKILL).unwrap();
    unreachable!("nobody survives that")
}

#[derive(Debug)]
struct Client {
    steps: Steps,
    inner: SharedHttpClient,
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { steps: self.steps.clone(), inner })
    }
}

#[derive(Debug)]
struct Connector {
    steps: Steps,
    inner: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (steps, inner) = (self.steps.clone(), self.inner.clone());
        let kind = kind(&request);
        let length = request.headers().get("content-length").and_then(|length| length.parse().ok());
        let length: u64 = length.filter(|_| request.method() == "PUT").unwrap_or(0);
        HttpConnectorFuture::new(async move {
            steps.step();
            *steps.0.requests.lock().unwrap().entry(kind).or_default() += 1;
            let answer = inner.call(request).await;
            steps.0.sent.fetch_add(length, Ordering::Relaxed);
            steps.step();
            answer
        })
    }
}

fn kind(request: &HttpRequest) -> String {
    let query = request.uri().split_once('?').map_or("", |(_, query)| query);
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let what = match (has("partNumber"), has("uploads"), has("uploadId")) {
        (true, ..) => "part",
        (_, true, _) => "uploads",
        (_, _, true) => "upload",
        _ => "object",
    };
    format!("{} {what}", request.method())
}

#[derive(Debug)]
struct Store<S> {
    steps: Steps,
    inner: S,
}

#[async_trait]
impl<S: TupleStore> TupleStore for Store<S> {
    async fn get(&self, name: &str) -> Result<Option<Tuple>> {
        self.inner.get(name).await
    }

    async fn put(&self, name: &str, value: &[u8], expect: Expect) -> Result<Version> {
        self.steps.step();
        let version = self.inner.put(name, value, expect).await;
        self.steps.step();
        version
    }

    async fn delete(&self, name: &str, expect: Expect) -> Result<()> {
        self.steps.step();
        let deleted = self.inner.delete(name, expect).await;
        self.steps.step();
        deleted
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.inner.list(prefix).await
    }
}
