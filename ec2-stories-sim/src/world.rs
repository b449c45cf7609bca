//! Serves calls, one at a time: authentication, faults, throttling, the handler, the log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::access::Access;
use crate::calls::{CallOutcome, CallRecord};
use crate::ctx::Ctx;
use crate::dispatch;
use crate::ebs::state::Blocks;
use crate::fault::{Engine, FaultPlan, Struck, Target};
use crate::host::Hosts;
use crate::iam::Iam;
use crate::latency::Latencies;
use crate::objects::{Lookup, Objects};
use crate::reply::Envelope;
use crate::request::Call;
use crate::s3::state::Storage;
use crate::sim::Broken;
use crate::state::network::zones::ENABLED;
use crate::state::{Cloud, Library};
use crate::throttle::{Buckets, Cost, Throttling};
use crate::wire::{ApiError, Protocol};

/// Faults draw from a stream of their own: adding one does not change ids.
const FAULT_STREAM: u64 = 0xfa01;

#[derive(Debug)]
pub(crate) struct World {
    home: String,
    account: String,
    start: Timestamp,
    rng: StdRng,
    pub(crate) latencies: Latencies,
    throttling: Throttling,
    buckets: HashMap<String, Buckets>,
    pub(crate) access: Access,
    pub(crate) iam: Iam,
    pub(crate) objects: Objects,
    /// Resources that a test means to leave.
    pub(crate) kept: BTreeSet<String>,
    pub(crate) faults: Engine,
    clouds: BTreeMap<String, Cloud>,
    pub(crate) storage: Storage,
    pub(crate) hosts: Hosts,
    /// What the EBS direct APIs wrote.
    pub(crate) blocks: Blocks,
    pub(crate) log: Vec<CallRecord>,
}

/// How a call ends, and how much later than usual.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) reply: Result<http::Response<Bytes>, Broken>,
    pub(crate) delay: Duration,
}

/// What a world begins with.
pub(crate) struct Terms {
    pub(crate) seed: u64,
    pub(crate) home: String,
    pub(crate) account: String,
    pub(crate) latencies: Latencies,
    pub(crate) throttling: Throttling,
    pub(crate) faults: FaultPlan,
    pub(crate) start: Timestamp,
    pub(crate) hosts: Hosts,
}

impl World {
    pub(crate) fn new(terms: Terms) -> Self {
        let Terms { seed, home, account, latencies, throttling, faults, start, hosts } = terms;
        Self {
            start,
            rng: StdRng::seed_from_u64(seed),
            latencies,
            throttling,
            buckets: HashMap::new(),
            access: Access::new(&account),
            iam: Iam::default(),
            objects: Objects::default(),
            kept: BTreeSet::new(),
            faults: Engine::new(seed ^ FAULT_STREAM, faults),
            clouds: BTreeMap::from([(home.clone(), Cloud::new(&home, hosts.network()))]),
            storage: Storage::default(),
            hosts,
            blocks: Blocks::default(),
            log: Vec::new(),
            home,
            account,
        }
    }

    pub(crate) fn home(&self) -> &str {
        &self.home
    }

    pub(crate) fn throttling(&self) -> Throttling {
        self.throttling
    }

    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// A region as it is now.
    pub(crate) fn cloud(&mut self, region: &str, now: Timestamp) -> &mut Cloud {
        let outages = self.faults.outages(self.start);
        let cloud =
            self.clouds.entry(region.to_owned()).or_insert_with(|| Cloud::new(region, self.hosts.network()));
        cloud.capacity.set_outages(outages);
        cloud.settle(now);
        cloud
    }

    /// Every region that was ever used, as it is now.
    pub(crate) fn clouds(&mut self, now: Timestamp) -> impl Iterator<Item = (&str, &mut Cloud)> {
        self.clouds.iter_mut().map(move |(region, cloud)| {
            cloud.settle(now);
            (region.as_str(), cloud)
        })
    }

    /// A context for a test's own intervention.
    pub(crate) fn ctx(&mut self, region: &str, now: Timestamp) -> Ctx {
        let principal = self.access.owner();
        let mut ctx = Ctx::new(now, region, &self.account, principal, self.rng.next_u64());
        ctx.latencies = self.latencies;
        ctx.iam = self.iam.clone();
        ctx
    }

    pub(crate) fn serve(&mut self, request: &http::Request<Bytes>, now: Timestamp) -> Served {
        let envelope = Envelope { request_id: self.request_id(), now };
        let call = match Call::read(request, &self.home) {
            Ok(call) => call,
            Err(error) => {
                let reply = Ok(envelope.refusal(Protocol::Ec2, &error));
                return Served { reply, delay: Duration::ZERO };
            }
        };
        let struck = self.strike(&call, now);
        let result = (!struck.lost_before).then(|| self.answer(&call, &struck, &envelope));
        let effect = matches!(result, Some(Ok(_)));
        let (reply, outcome) = match result {
            None => (Err(Broken::Reset), CallOutcome::Lost { effect }),
            Some(_) if struck.lost_after => (Err(Broken::Reset), CallOutcome::Lost { effect }),
            Some(Ok(xml)) if struck.truncated => {
                (Err(Broken::Truncated(envelope.reply(xml))), CallOutcome::Lost { effect })
            }
            Some(Ok(xml)) => (Ok(envelope.reply(xml)), CallOutcome::Ok),
            Some(Err(error)) => {
                let reply = envelope.refusal(call.protocol, &error);
                (Ok(reply), CallOutcome::Error { code: error.code.into_owned(), status: error.status })
            }
        };
        self.record(call, outcome, request.body().len() as u64, now);
        Served { reply, delay: struck.delay }
    }

    fn answer(&mut self, call: &Call, struck: &Struck, envelope: &Envelope) -> Result<String, ApiError> {
        let (request_id, now) = (envelope.request_id.as_str(), envelope.now);
        let key = call.access_key.as_deref().ok_or_else(missing_key)?;
        let principal = self.access.authenticate(key, call.service(), now)?;
        let operation = dispatch::Operation::of(call)?;
        self.access.authorize(&principal, &format!("{}:{}", call.service(), call.operation()))?;
        if let Some((code, status)) = &struck.error {
            let message = match code.as_str() {
                "RequestLimitExceeded" => THROTTLED.to_owned(),
                code => format!("The simulation was told to answer {code}."),
            };
            return Err(ApiError::new(code.clone(), message).with_status(*status));
        }
        self.throttle(call, now)?;
        let mut ctx = self.ctx(&call.region, now);
        ctx.principal = principal;
        ctx.fingerprint = call.fingerprint();
        ctx.fate = struck.fate.clone();
        ctx.source = self.source(call, now);
        ctx.object = self.object(call);
        match operation {
            dispatch::Operation::Sts(operation) => {
                dispatch::sts(&mut self.access, &ctx, operation, &call.params, request_id)
            }
            dispatch::Operation::Ec2(operation) => {
                let cloud = self.cloud(&call.region, now);
                if call.dry_run() {
                    let mut copy = cloud.clone();
                    dispatch::ec2(&mut copy, &ctx, operation, &call.params, request_id)?;
                    return Err(ApiError::dry_run());
                }
                dispatch::ec2(cloud, &ctx, operation, &call.params, request_id)
            }
        }
    }

    /// What the region that a copy names as its source has. Nothing where there is no such region.
    fn source(&mut self, call: &Call, now: Timestamp) -> Option<Library> {
        if !matches!(call.operation(), "CopyImage" | "CopySnapshot") {
            return None;
        }
        let region = call.params.get("SourceRegion").filter(|region| ENABLED.contains(region))?;
        Some(self.cloud(region, now).library())
    }

    /// What the object in S3 is that an import names.
    fn object(&self, call: &Call) -> Option<Lookup> {
        if call.operation() != "ImportSnapshot" {
            return None;
        }
        let bucket = call.params.get("DiskContainer.UserBucket.S3Bucket");
        let (bucket, key) = match (bucket, call.params.get("DiskContainer.UserBucket.S3Key")) {
            (Some(bucket), Some(key)) => (bucket, key),
            _ => call.params.get("DiskContainer.Url")?.strip_prefix("s3://")?.split_once('/')?,
        };
        Some(match self.storage.buckets.get(bucket) {
            Some(found) if found.region != call.region => Lookup::Elsewhere(found.region.clone()),
            Some(found) => Lookup::of(found.objects.get(key).map(|object| &object.blob)),
            None => self.objects.find(&call.region, bucket, key),
        })
    }

    fn strike(&mut self, call: &Call, now: Timestamp) -> Struck {
        let zone = self.zone_of(call, now);
        self.faults.strike(Target {
            number: self.log.len() as u64 + 1,
            operation: call.operation(),
            region: &call.region,
            zone: zone.as_deref(),
        })
    }

    /// The zone that a launch names, or that of the subnet it names.
    fn zone_of(&mut self, call: &Call, now: Timestamp) -> Option<String> {
        let named = call.params.get("Placement.AvailabilityZone").map(str::to_owned);
        named.or_else(|| {
            let subnet =
                call.params.get("SubnetId").or_else(|| call.params.get("NetworkInterface.1.SubnetId"))?;
            Some(self.cloud(&call.region, now).network.subnet(subnet).ok()?.zone.clone())
        })
    }

    fn throttle(&mut self, call: &Call, now: Timestamp) -> Result<(), ApiError> {
        let resources = match call.operation() {
            "RunInstances" => call.params.get("MaxCount").and_then(|count| count.parse().ok()).unwrap_or(0),
            _ => call.items("InstanceId"),
        };
        let cost = Cost { operation: call.operation(), unfiltered: call.unfiltered(), resources };
        let buckets = self.buckets.entry(call.region.clone()).or_default();
        // STS publishes no bucket sizes.
        if self.throttling == Throttling::Off || call.protocol == Protocol::Sts || buckets.take(cost, now) {
            return Ok(());
        }
        Err(ApiError::new("RequestLimitExceeded", THROTTLED).with_status(503))
    }

    fn record(&mut self, call: Call, outcome: CallOutcome, received: u64, now: Timestamp) {
        let operation = call.operation().to_owned();
        let index = self.begin(&operation, call.region, call.access_key, call.pairs, now);
        self.end(index, outcome, received);
    }

    /// Logs a call whose end is not known yet, and gives its place in the log.
    pub(crate) fn begin(
        &mut self,
        operation: &str,
        region: String,
        access_key_id: Option<String>,
        params: Vec<(String, String)>,
        at: Timestamp,
    ) -> usize {
        self.log.push(CallRecord {
            number: self.log.len() as u64 + 1,
            at,
            region,
            operation: operation.to_owned(),
            access_key_id,
            params,
            outcome: CallOutcome::Lost { effect: false },
            received: 0,
        });
        self.log.len() - 1
    }

    /// Says how a call ended.
    pub(crate) fn end(&mut self, index: usize, outcome: CallOutcome, received: u64) {
        let Some(record) = self.log.get_mut(index) else { return };
        tracing::debug!(operation = %record.operation, region = %record.region, ?outcome, "simulated call");
        record.outcome = outcome;
        record.received = received;
    }

    /// A text of so many random letters and digits.
    pub(crate) fn token(&mut self, length: usize) -> String {
        use rand::RngExt;
        use rand::distr::Alphanumeric;
        (0..length).map(|_| char::from(self.rng.sample(Alphanumeric))).collect()
    }

    pub(crate) fn request_id(&mut self) -> String {
        let (a, b) = (self.rng.next_u64(), self.rng.next_u64());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }
}

const THROTTLED: &str = "Request limit exceeded.";

/// "Common errors" of the EC2 API reference: MissingAuthenticationToken, 403.
fn missing_key() -> ApiError {
    let message =
        "The request must contain either a valid (registered) AWS access key ID or X.509 certificate.";
    ApiError::new("MissingAuthenticationToken", message).with_status(403)
}
