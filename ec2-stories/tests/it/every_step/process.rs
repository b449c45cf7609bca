//! A process that dies in the middle of an API call, as the cloud and the disk see it: from then on it does nothing.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use ec2_stories::provider::{Expect, Tuple, TupleStore, Version};
use ec2_stories::sim::Sim;
use ec2_stories::{Ec2, MemoryStore, Result};
use tokio::sync::Notify;

/// In which call a process dies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Death {
    /// The call's number, from 1.
    pub(super) at_call: u64,
    /// Whether the call still takes effect.
    pub(super) effect: bool,
}

/// A process; clones are handles to the same.
#[derive(Clone, Debug)]
pub(super) struct Process(Arc<State>);

#[derive(Debug)]
struct State {
    death: Option<Death>,
    calls: AtomicU64,
    dead: AtomicBool,
    died: Notify,
}

impl Process {
    pub(super) fn new(death: Option<Death>) -> Self {
        let (calls, dead, died) = (AtomicU64::new(0), AtomicBool::new(false), Notify::new());
        Self(Arc::new(State { death, calls, dead, died }))
    }

    /// The cloud, as this process reaches it.
    pub(super) fn ec2(&self, sim: &Sim) -> Ec2 {
        let config = sim.sdk_config();
        let inner = config.http_client().expect("the simulation is one");
        let client = SharedHttpClient::new(Line { process: self.clone(), inner });
        Ec2::from_config(&config.into_builder().http_client(client).build())
    }

    /// The disk, as this process reaches it.
    pub(super) fn disk(&self, store: &MemoryStore) -> Disk {
        Disk { process: self.clone(), store: store.clone() }
    }

    /// Ends when the process has died.
    pub(super) async fn died(&self) {
        self.0.died.notified().await;
    }

    fn die(&self) {
        self.0.dead.store(true, Ordering::SeqCst);
        self.0.died.notify_one();
    }

    pub(super) fn is_dead(&self) -> bool {
        self.0.dead.load(Ordering::SeqCst)
    }
}

#[derive(Clone, Debug)]
struct Line<C> {
    process: Process,
    inner: C,
}

impl HttpClient for Line<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Line { process: self.process.clone(), inner })
    }
}

impl HttpConnector for Line<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { process, inner } = self.clone();
        HttpConnectorFuture::new(async move {
            if process.is_dead() {
                return pending().await;
            }
            let number = process.0.calls.fetch_add(1, Ordering::SeqCst) + 1;
            match process.0.death.filter(|death| death.at_call == number) {
                None => {
                    let reply = inner.call(request).await;
                    if process.is_dead() { pending().await } else { reply }
                }
                Some(death) => {
                    if death.effect {
                        drop(inner.call(request).await);
                    }
                    process.die();
                    pending().await
                }
            }
        })
    }
}

/// A disk that a dead process cannot reach.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    process: Process,
    store: MemoryStore,
}

impl Disk {
    async fn reach(&self) -> &MemoryStore {
        if self.process.is_dead() { pending().await } else { &self.store }
    }
}

#[async_trait]
impl TupleStore for Disk {
    async fn get(&self, name: &str) -> Result<Option<Tuple>> {
        self.reach().await.get(name).await
    }

    async fn put(&self, name: &str, value: &[u8], expect: Expect) -> Result<Version> {
        self.reach().await.put(name, value, expect).await
    }

    async fn delete(&self, name: &str, expect: Expect) -> Result<()> {
        self.reach().await.delete(name, expect).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.reach().await.list(prefix).await
    }
}
