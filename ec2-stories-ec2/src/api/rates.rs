//! How fast which calls may go.

use super::bucket::Bucket;

/// A token bucket's size and refill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Tokens that it holds.
    pub burst: f64,
    /// Tokens that it gets back in a second.
    pub per_second: f64,
}

/// The rates that this client keeps to, per family of operations: four fifths of what EC2 grants an account in a
/// region by default, so that others who share the account are not throttled because of us
/// (<https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// `Describe*` and `Get*`; EC2 grants 100 and 20 a second.
    pub reads: Rate,
    /// What changes something; EC2 grants 50 and 5 a second.
    pub changes: Rate,
    /// RunInstances calls; EC2 grants 5 and 2 a second.
    pub launches: Rate,
    /// Instances launched; EC2 grants 1,000 and 2 a second.
    pub launched_instances: Rate,
    /// TerminateInstances calls; EC2 grants 100 and 5 a second.
    pub terminations: Rate,
    /// Instances terminated; EC2 grants 1,000 and 20 a second.
    pub terminated_instances: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |burst, per_second| Rate { burst, per_second };
        Self {
            reads: rate(80.0, 16.0),
            changes: rate(40.0, 4.0),
            launches: rate(4.0, 1.6),
            launched_instances: rate(800.0, 1.6),
            terminations: rate(80.0, 4.0),
            terminated_instances: rate(800.0, 16.0),
        }
    }
}

#[derive(Debug)]
pub(super) struct Buckets {
    reads: Bucket,
    changes: Bucket,
    launches: Bucket,
    launched_instances: Bucket,
    terminations: Bucket,
    terminated_instances: Bucket,
}

impl Buckets {
    pub(super) fn new(rates: Rates) -> Self {
        Self {
            reads: Bucket::new(rates.reads),
            changes: Bucket::new(rates.changes),
            launches: Bucket::new(rates.launches),
            launched_instances: Bucket::new(rates.launched_instances),
            terminations: Bucket::new(rates.terminations),
            terminated_instances: Bucket::new(rates.terminated_instances),
        }
    }

    /// Waits until a call about `count` resources may go.
    pub(super) async fn admit(&self, operation: &str, count: usize) {
        match operation {
            "RunInstances" => {
                self.launches.take(1).await;
                self.launched_instances.take(count).await;
            }
            "TerminateInstances" => {
                self.terminations.take(1).await;
                self.terminated_instances.take(count).await;
            }
            _ if operation.starts_with("Describe") || operation.starts_with("Get") => {
                self.reads.take(1).await;
            }
            _ => self.changes.take(1).await,
        }
    }
}
