//! The simulation as a test holds it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bon::bon;
use bytes::Bytes;
use ec2_stories_core::Clock;
use http_body_util::BodyExt;
use jiff::Timestamp;

use crate::clock::SimClock;
use crate::fault::FaultPlan;
use crate::http::entry::Service;
use crate::http::listen::Listener;
use crate::latency::Latencies;
use crate::s3;
use crate::throttle::Throttling;
use crate::world::World;

/// 2026-01-01T00:00:00Z: the same in every run, so that ids, times and console texts are too.
const DEFAULT_START: Timestamp = Timestamp::constant(1_767_225_600, 0);
const DEFAULT_REGION: &str = "us-east-1";
const DEFAULT_ACCOUNT: &str = "123456789012";

/// A simulated cloud: one account in every region. Cloning gives another handle to the same cloud.
#[derive(Clone)]
pub struct Sim {
    pub(crate) clock: SimClock,
    world: Arc<Mutex<World>>,
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
    /// On a time scale that is not above zero.
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
    ) -> Self {
        assert!(time_scale > 0.0 && time_scale.is_finite(), "a time scale is above zero, not {time_scale}");
        let clock = SimClock::new(start, time_scale);
        let world = World::new(seed, region, account, latency, throttling, faults, start);
        Self { clock, world: Arc::new(Mutex::new(world)) }
    }
}

impl Sim {
    /// Serves one request as any AWS SDK sends it: a POSTed form or a GET with a query string for EC2 and STS, a REST
    /// request for S3.
    ///
    /// Takes simulated time before and after the effect, so dropping the future early leaves the caller not knowing.
    ///
    /// # Errors
    /// [`Broken`] where a fault loses the reply. An API error is a reply.
    pub async fn handle(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Broken> {
        let (parts, body) = request.into_parts();
        if Service::of(&parts) == Service::S3 {
            let response = s3::serve(self, http::Request::from_parts(parts, s3s::Body::from(body))).await?;
            let (parts, body) = response.into_parts();
            // A body that a fault breaks off has no end to give back.
            let body = body.collect().await.map_err(|_| Broken::Reset)?.to_bytes();
            return Ok(http::Response::from_parts(parts, body));
        }
        let request = http::Request::from_parts(parts, body);
        let latencies = self.world().latencies;
        self.clock.sleep(latencies.request).await;
        let served = self.world().serve(&request, self.now());
        self.clock.sleep(latencies.reply + served.delay).await;
        served.reply
    }

    /// Serves SDKs of other processes on a loopback address; port 0 picks one. Needs real or scaled time: sockets do not
    /// wait for a paused clock.
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
}
