//! Request and resource token buckets.
//!
//! Source: EC2 developer guide, "Request throttling for the Amazon EC2 API", the tables of request and of resource token
//! bucket sizes. Every operation has a bucket of its own; the table of its family gives the size.

use std::collections::HashMap;

use jiff::Timestamp;

/// Which throttling buckets apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Throttling {
    /// The sizes that AWS publishes for an account that asked for no more.
    #[default]
    Published,
    /// No throttling.
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Limit {
    burst: f64,
    per_second: f64,
}

const fn limit(burst: f64, per_second: f64) -> Limit {
    Limit { burst, per_second }
}

/// What the throttle needs to know of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost<'a> {
    pub(crate) operation: &'a str,
    /// A listing that names no filter and no page size draws on a smaller bucket.
    pub(crate) unfiltered: bool,
    /// Instances that the call launches, starts, stops or terminates.
    pub(crate) resources: u32,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    filled: Timestamp,
}

/// The buckets of one account in one region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets(HashMap<String, Bucket>);

impl Buckets {
    /// Takes the tokens of a call, or none when one bucket is short.
    pub(crate) fn take(&mut self, cost: Cost<'_>, now: Timestamp) -> bool {
        let (family, request) = request_limit(cost);
        let mut wanted = vec![(family, request, 1.0)];
        if let (Some(limit), true) = (resource_limit(cost.operation), cost.resources > 0) {
            // A call for more than the bucket holds would never pass: EC2 takes what is there.
            let tokens = f64::from(cost.resources).min(limit.burst);
            wanted.push((format!("{} resources", cost.operation), limit, tokens));
        }
        let enough = wanted.iter().all(|(key, limit, tokens)| self.level(key, *limit, now) >= *tokens);
        if enough {
            for (key, _, tokens) in wanted {
                if let Some(bucket) = self.0.get_mut(&key) {
                    bucket.tokens -= tokens;
                }
            }
        }
        enough
    }

    fn level(&mut self, key: &str, limit: Limit, now: Timestamp) -> f64 {
        let full = Bucket { tokens: limit.burst, filled: now };
        let bucket = self.0.entry(key.to_owned()).or_insert(full);
        let seconds = now.duration_since(bucket.filled).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + seconds * limit.per_second).min(limit.burst);
        bucket.filled = now;
        bucket.tokens
    }
}

fn request_limit(cost: Cost<'_>) -> (String, Limit) {
    let operation = cost.operation;
    let found = match operation {
        "RunInstances" | "StartInstances" => limit(5.0, 2.0),
        "TerminateInstances"
        | "DeleteVolume"
        | "DeleteSnapshot"
        | "DeregisterImage"
        | "ModifyInstanceMetadataOptions"
        | "CreateLaunchTemplateVersion" => limit(100.0, 5.0),
        "CreateTags" | "DeleteTags" => limit(100.0, 10.0),
        "CopyImage" => limit(100.0, 1.0),
        "DescribeInstances"
        | "DescribeInstanceStatus"
        | "DescribeNetworkInterfaces"
        | "DescribeSecurityGroups"
        | "DescribeSnapshots"
        | "DescribeSpotInstanceRequests"
        | "DescribeVolumes"
            if cost.unfiltered =>
        {
            return (format!("{operation} unfiltered"), limit(50.0, 10.0));
        }
        _ if operation.starts_with("Describe") || operation.starts_with("Get") => limit(100.0, 20.0),
        // Mutating and resource-intensive actions have the same size.
        _ => limit(50.0, 5.0),
    };
    (operation.to_owned(), found)
}

fn resource_limit(operation: &str) -> Option<Limit> {
    match operation {
        "RunInstances" | "StartInstances" => Some(limit(1000.0, 2.0)),
        "TerminateInstances" | "StopInstances" => Some(limit(1000.0, 20.0)),
        _ => None,
    }
}
