//! What every call passes before it is served: the log, the faults, the caller's rights.

use std::sync::Arc;

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::path::S3Path;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::error::{access_denied, custom, refuse};
use super::exchange::Exchange;
use super::signature::Signer;
use crate::fault::Target;
use crate::sim::Sim;
use crate::world::World;

/// The gate of one call.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) sim: Sim,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) signer: Option<Signer>,
}

#[async_trait::async_trait]
impl S3Auth for Gate {
    async fn get_secret_key(&self, key: &str) -> S3Result<SecretKey> {
        let secret = self.sim.world().access.secret(key);
        secret.map(SecretKey::from).ok_or_else(|| refuse(S3ErrorCode::InvalidAccessKeyId, UNKNOWN_KEY))
    }
}

const UNKNOWN_KEY: &str = "The AWS Access Key Id you provided does not exist in our records.";

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let operation = cx.s3_op().name().to_owned();
        let params = parameters(cx);
        let latencies = {
            let mut world = self.sim.world();
            self.log(&mut world, &operation, params);
            world.latencies
        };
        // An upload's time is its body's first.
        if !matches!(operation.as_str(), "PutObject" | "UploadPart") {
            self.sim.clock.sleep(latencies.request).await;
        }
        self.admit(&operation)
    }
}

impl Gate {
    fn log(&self, world: &mut World, operation: &str, params: Vec<(String, String)>) {
        let region = self.signer.as_ref().map_or_else(|| world.home().to_owned(), |s| s.region.clone());
        let number = world.log.len() as u64 + 1;
        let struck = world.faults.strike(Target { number, operation, region: &region, zone: None });
        let key = self.signer.as_ref().map(|signer| signer.key.clone());
        let index = world.begin(operation, region, key, params, self.sim.now());
        let mut state = self.exchange.state();
        state.struck = struck;
        state.logged = Some(index);
    }

    fn admit(&self, operation: &str) -> S3Result<()> {
        let signer = self.signer.as_ref().ok_or_else(access_denied)?;
        let world = self.sim.world();
        let now = self.sim.now();
        let refused = |error: crate::wire::ApiError| custom(&error.code, error.status, error.message);
        if !world.access.token_is_good(&signer.key, signer.token.as_deref()) {
            let message = "The provided token is malformed or otherwise invalid.";
            return Err(refuse(S3ErrorCode::InvalidToken, message));
        }
        let principal = world.access.authenticate(&signer.key, "s3", now).map_err(refused)?;
        world.access.authorize(&principal, &format!("s3:{}", action(operation))).map_err(refused)?;
        let state = self.exchange.state();
        if state.struck.lost_before {
            return Err(S3Error::new(S3ErrorCode::InternalError));
        }
        match &state.struck.error {
            Some((code, _)) if code == "RequestLimitExceeded" => {
                Err(refuse(S3ErrorCode::SlowDown, "Please reduce your request rate."))
            }
            Some((code, status)) => {
                Err(custom(code, *status, format!("The simulation was told to answer {code}.")))
            }
            None => Ok(()),
        }
    }
}

/// Where and on what, then what the query says.
fn parameters(cx: &S3AccessContext<'_>) -> Vec<(String, String)> {
    let mut params = Vec::new();
    match cx.s3_path() {
        S3Path::Root => {}
        S3Path::Bucket { bucket } => params.push(("Bucket".to_owned(), bucket.to_string())),
        S3Path::Object { bucket, key } => {
            params.push(("Bucket".to_owned(), bucket.to_string()));
            params.push(("Key".to_owned(), key.to_string()));
        }
    }
    let query = cx.uri().query().unwrap_or_default();
    params.extend(form_urlencoded::parse(query.as_bytes()).into_owned().filter(|(name, _)| name != "x-id"));
    params
}

/// The permission that an operation needs.
///
/// Source: S3 user guide, "Required permissions for Amazon S3 API operations".
fn action(operation: &str) -> &str {
    match operation {
        "HeadObject" | "GetObjectAttributes" => "GetObject",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "ListObjectVersions" => "ListBucketVersions",
        "CopyObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "UploadPartCopy"
        | "CompleteMultipartUpload" => "PutObject",
        "DeleteObjects" => "DeleteObject",
        "ListParts" => "ListMultipartUploadParts",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListBuckets" => "ListAllMyBuckets",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "PutBucketEncryption" | "DeleteBucketEncryption" => "PutEncryptionConfiguration",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => "PutLifecycleConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => "PutBucketPublicAccessBlock",
        "DeleteBucketTagging" => "PutBucketTagging",
        "DeleteBucketOwnershipControls" => "PutBucketOwnershipControls",
        other => other,
    }
}
