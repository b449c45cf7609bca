//! The simulation as a test holds it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bon::bon;
use bytes::Bytes;
use ec2_stories_core::Clock;
use http_body_util::BodyExt;
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::clock::SimClock;
use crate::fault::FaultPlan;
use crate::host::{Hosts, Supervision};
use crate::http::entry::Service;
use crate::http::listen::Listener;
use crate::latency::Latencies;
use crate::s3;
use crate::throttle::Throttling;
use crate::world::{Terms, World};

/// 2026-01-01T00:00:00Z: the same in every run, so that ids, times and console texts are too.
const DEFAULT_START: Timestamp = Timestamp::constant(1_767_225_600, 0);
const DEFAULT_REGION: &str = "us-east-1";
const DEFAULT_ACCOUNT: &str = "123456789012";

/// A simulated cloud: one account in every region. Cloning gives another handle to the same cloud.
#[derive(Clone)]
pub struct Sim {
    pub(crate) clock: SimClock,
    world: Arc<Mutex<World>>,
    /// Rung after whatever may have changed an instance.
    changed: Arc<Notify>,
    /// Ends the hosts with the last handle.
    _hosts: Option<Arc<Supervision>>,
}

/// What the hosts hold of their simulation: it ends all the same.
#[derive(Clone)]
pub(crate) struct WeakSim {
    clock: SimClock,
    world: Weak<Mutex<World>>,
    pub(crate) changed: Arc<Notify>,
}

/// Says which simulation, not what is in it: clients and their configurations print it.
impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// A connection that broke before a whole reply went out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Broken {
    /// No reply at all.
    Reset,
    /// Half of this one.
    Truncated(http::Response<Bytes>),
}

#[bon]
impl Sim {
    /// Describes a simulation; every part has a default.
    ///
    /// Build it where its runtime's time is already what it will be: paused, if the test pauses it.
    ///
    /// # Panics
    /// On a time scale that is not above zero; with hosts, outside of a tokio runtime.
    #[builder]
    pub fn new(
        /// Decides ids, jitter and probable faults.
        #[builder(default = 1)]
        seed: u64,
        /// The region of [`sdk_config`](Sim::sdk_config) and of unsigned calls.
        #[builder(default = DEFAULT_REGION.to_owned(), into)]
        region: String,
        /// The account's id, of twelve digits.
        #[builder(default = DEFAULT_ACCOUNT.to_owned(), into)]
        account: String,
        /// How long things take.
        #[builder(default)]
        latency: Latencies,
        /// What goes wrong; more can be added later through [`faults`](Sim::faults).
        #[builder(default)]
        faults: FaultPlan,
        /// Request and resource token buckets.
        #[builder(default)]
        throttling: Throttling,
        /// The simulated time at the start: 2026-01-01T00:00:00Z. A listener that serves clients with clocks of their
        /// own starts now.
        #[builder(default = DEFAULT_START)]
        start: Timestamp,
        /// Simulated seconds in a second of tokio's time, for listening.
        #[builder(default = 1.0)]
        time_scale: f64,
        /// What stands behind running instances: nothing, unless said otherwise.
        #[builder(default)]
        hosts: Hosts,
    ) -> Self {
        assert!(time_scale > 0.0 && time_scale.is_finite(), "a time scale is above zero, not {time_scale}");
        let clock = SimClock::new(start, time_scale);
        let supervised = hosts.clone();
        let (home, latencies) = (region, latency);
        let world = World::new(Terms { seed, home, account, latencies, throttling, faults, start, hosts });
        let sim = Self {
            clock,
            world: Arc::new(Mutex::new(world)),
            changed: Arc::new(Notify::new()),
            _hosts: None,
        };
        let supervision = supervised.follow(&sim).map(Arc::new);
        Self { _hosts: supervision, ..sim }
    }
}

impl Sim {
    /// Serves one request as any AWS SDK sends it: a POSTed form or a GET with a query string for EC2 and STS, a REST
    /// request for S3 and EBS direct.
    ///
    /// Takes simulated time before and after the effect, so dropping the future early leaves the caller not knowing.
    ///
    /// # Errors
    /// [`Broken`] where a fault loses the reply. An API error is a reply.
    pub async fn handle(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Broken> {
        let (parts, body) = request.into_parts();
        let service = Service::of(&parts);
        if service == Service::S3 {
            let response = s3::serve(self, http::Request::from_parts(parts, s3s::Body::from(body))).await?;
            let (parts, body) = response.into_parts();
            // A body that a fault breaks off has no end to give back.
            let body = body.collect().await.map_err(|_| Broken::Reset)?.to_bytes();
            return Ok(http::Response::from_parts(parts, body));
        }
        let request = http::Request::from_parts(parts, body);
        let latencies = self.world().latencies;
        self.clock.sleep(latencies.request).await;
        let served = match service {
            Service::Ebs => self.world().serve_ebs(&request, self.now()),
            _ => self.world().serve(&request, self.now()),
        };
        self.changed();
        self.clock.sleep(latencies.reply + served.delay).await;
        served.reply
    }

    /// Serves SDKs of other processes on a loopback address; port 0 picks one. Needs real or scaled time: sockets do not
    /// wait for a paused clock. With namespace hosts it answers at the same address inside of [their network](Self::vpc), too,
    /// for programs there.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn listen(&self, addr: SocketAddr) -> std::io::Result<Listener> {
        Listener::bind(self.clone(), addr).await
    }

    /// The simulated time, for everything that asks a [`Clock`].
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock)
    }

    /// The simulated time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Clock::now(&self.clock)
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        // A test that panicked while it held the lock still wants its leaks listed.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changed(&self) {
        self.changed.notify_one();
    }

    pub(crate) fn downgrade(&self) -> WeakSim {
        WeakSim { clock: self.clock, world: Arc::downgrade(&self.world), changed: self.changed.clone() }
    }
}

impl WeakSim {
    pub(crate) fn clock(&self) -> SimClock {
        self.clock
    }

    /// A handle that does not keep the hosts alive; nothing once the simulation is gone.
    pub(crate) fn upgrade(&self) -> Option<Sim> {
        let world = self.world.upgrade()?;
        Some(Sim { clock: self.clock, world, changed: self.changed.clone(), _hosts: None })
    }
}
