//! The instance metadata service, one for each instance.
//!
//! Source: EC2 user guide, "Use the Instance Metadata Service to access instance metadata" and the pages below it.

mod answer;
mod client;
mod facts;
mod listing;
mod refusal;
mod role;
mod serve;
mod token;
mod tree;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;

use crate::fault::{METADATA, Target};
use crate::sim::{Broken, Sim};
use crate::state::timeline::State;
use answer::{Answer, answer};
use client::InProcess;
use facts::Facts;

pub use serve::MetadataListener;

/// What an instance reads about itself at 169.254.169.254: [`Sim::metadata`] gives it.
///
/// - It says what is true now: a tag that changed, a public address that a stop took away, a spot notice that came.
/// - It keeps to the instance's metadata options: tokens required or not, the endpoint off, tags shown, the hop limit.
/// - Nobody answers for an instance that is stopped, terminated or unknown: the connection breaks.
/// - Faults strike it under the operation name `imds`; [`Fault::Throttle`](crate::Fault::Throttle) is a 503 there.
/// - A token is good for its instance alone, until its time is over.
///
/// ```
/// use bytes::Bytes;
/// use ec2_stories_sim::Sim;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let sim = Sim::builder().build();
/// let nobody = sim.metadata("i-00000000000000000");
/// let request = http::Request::get("/latest/meta-data/").body(Bytes::new()).unwrap();
/// assert!(nobody.handle(request).await.is_err());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Metadata {
    sim: Sim,
    instance: String,
    hops: i32,
}

impl Sim {
    /// The metadata service of an instance.
    #[must_use]
    pub fn metadata(&self, instance_id: impl Into<String>) -> Metadata {
        Metadata { sim: self.clone(), instance: instance_id.into(), hops: 1 }
    }
}

impl Metadata {
    /// Answers as if requests came from so many hops away: 1 is the instance itself, 2 a container on it. A token
    /// that would have to go farther than the hop limit never arrives.
    #[must_use]
    pub fn hops(self, hops: i32) -> Self {
        Self { hops, ..self }
    }

    /// The instance's id.
    #[must_use]
    pub fn instance_id(&self) -> &str {
        &self.instance
    }

    /// Serves one request. Where the hop limit keeps the reply away, this never ends: the caller has its time-outs.
    ///
    /// # Errors
    /// [`Broken`] where nobody answers, or a fault loses the reply.
    pub async fn handle(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Broken> {
        let now = self.sim.now();
        let served = {
            let mut world = self.sim.world();
            let region = world.clouds(now).find(|(_, cloud)| cloud.instances.get(&self.instance).is_some());
            let region = region.map(|(region, _)| region.to_owned()).ok_or(Broken::Reset)?;
            // Calls of the API are numbered from 1: a rule about one of those never means this.
            let target = Target { number: 0, operation: METADATA, region: &region, zone: None };
            let struck = world.faults.strike(target);
            let facts = Facts::of(&mut world, &region, &self.instance, now).ok_or(Broken::Reset)?;
            if matches!(facts.state, State::Stopped | State::Terminated) {
                return Err(Broken::Reset);
            }
            let answer = match &struck.error {
                Some((_, status)) => Answer::refused(*status),
                None => answer(&request, &facts, self.hops),
            };
            tracing::debug!(instance = %self.instance, path = request.uri().path(), ?answer, "metadata");
            (answer, struck)
        };
        let (answer, struck) = served;
        self.sim.clock.sleep(struck.delay).await;
        if struck.lost_before || struck.lost_after {
            return Err(Broken::Reset);
        }
        match answer {
            Answer::Reply(reply) if struck.truncated => Err(Broken::Truncated(reply)),
            Answer::Reply(reply) => Ok(reply),
            Answer::OutOfReach => std::future::pending().await,
        }
    }

    /// An SDK HTTP client that asks this service in process, whatever host a request names: for virtual time.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(InProcess(self.clone()))
    }
}
