//! GetCallerIdentity and AssumeRole.

use std::time::Duration;

use crate::access::{Access, Principal, Session};
use crate::ctx::Ctx;
use crate::wire::ApiError;
use crate::wire::generated::sts::{
    AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser, Credentials, GetCallerIdentityRequest,
    GetCallerIdentityResponse,
};

/// Source: AssumeRole, parameter DurationSeconds: an hour unless asked otherwise.
const DEFAULT_SECONDS: i32 = 3600;

pub(crate) fn get_caller_identity(
    _: &mut Access,
    ctx: &Ctx,
    _: GetCallerIdentityRequest,
) -> Result<GetCallerIdentityResponse, ApiError> {
    Ok(GetCallerIdentityResponse {
        account: Some(ctx.account.clone()),
        arn: Some(ctx.principal.arn.clone()),
        user_id: Some(ctx.principal.user_id.clone()),
    })
}

/// Gives out keys that work until they expire. Any role can be assumed: trust policies are not simulated.
pub(crate) fn assume_role(
    access: &mut Access,
    ctx: &Ctx,
    req: AssumeRoleRequest,
) -> Result<AssumeRoleResponse, ApiError> {
    let role_arn = req.role_arn.unwrap_or_default();
    let session = req.role_session_name.unwrap_or_default();
    let role = role_arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(":role/"))
        .map(|(account, path)| (account.to_owned(), path.rsplit('/').next().unwrap_or(path).to_owned()));
    let Some((account, name)) = role else {
        return Err(ApiError::new("ValidationError", format!("{role_arn} is invalid")));
    };
    let seconds = req.duration_seconds.unwrap_or(DEFAULT_SECONDS);
    let expires = ctx.now + Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let key = format!("ASIA{}", random(ctx, 16));
    let role_id = format!("AROA{}", random(ctx, 17));
    let arn = format!("arn:aws:sts::{account}:assumed-role/{name}/{session}");
    let user_id = format!("{role_id}:{session}");
    let principal = Principal { arn: arn.clone(), user_id: user_id.clone() };
    let secret = random(ctx, 40);
    let token = format!("FwoGZXIvYXdz{}", random(ctx, 60));
    let session = Session { principal, secret: secret.clone(), token: token.clone(), expires };
    access.add_session(key.clone(), session);
    Ok(AssumeRoleResponse {
        credentials: Some(Credentials {
            access_key_id: Some(key),
            secret_access_key: Some(secret.into()),
            session_token: Some(token),
            expiration: Some(expires),
        }),
        assumed_role_user: Some(AssumedRoleUser { arn: Some(arn), assumed_role_id: Some(user_id) }),
        source_identity: req.source_identity,
        ..AssumeRoleResponse::default()
    })
}

/// Capital letters and digits as AWS uses them in ids.
fn random(ctx: &Ctx, length: usize) -> String {
    use rand::RngExt;
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut rng = ctx.rng();
    (0..length).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()
}
