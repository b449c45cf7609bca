//! Credentials of an instance's role.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::access::{Access, Principal, Session};

/// New ones every hour, each good for six: more than the five minutes of overlap that EC2 promises.
const EVERY: i64 = 3600;
const LIFE: SignedDuration = SignedDuration::from_hours(6);

/// The role of a profile: here, as the console makes them, of the same name.
pub(super) fn name(profile_arn: &str) -> &str {
    profile_arn.rsplit('/').next().unwrap_or_default()
}

/// What `iam/security-credentials/ROLE` says. The key is good for calls of the API from now on.
pub(super) fn credentials(
    access: &mut Access,
    account: &str,
    role: &str,
    instance: &str,
    now: Timestamp,
) -> String {
    let seconds = now.as_second();
    let made = Timestamp::from_second(seconds - seconds.rem_euclid(EVERY)).unwrap_or(now);
    let expires = made + LIFE;
    let digest = hex::encode_upper(Sha256::digest(format!("{instance} {role} {made}")));
    let key = format!("ASIA{}", &digest[..16]);
    let principal = Principal {
        arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{instance}"),
        user_id: format!("AROA{}:{instance}", &digest[16..32]),
    };
    let (secret, token) =
        (format!("simulated-{}", &digest[32..]), format!("simulated-session-{}", &digest[..32]));
    let session = Session { principal, expires, secret: secret.clone(), token: token.clone() };
    access.add_session(key.clone(), session);
    let text = json!({
        "Code": "Success",
        "LastUpdated": made.to_string(),
        "Type": "AWS-HMAC",
        "AccessKeyId": key,
        "SecretAccessKey": secret,
        "Token": token,
        "Expiration": expires.to_string(),
    });
    format!("{text:#}")
}
