//! Who may call: keys, temporary credentials, denied actions.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use jiff::Timestamp;

use crate::config::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use crate::wire::ApiError;

/// Who made a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Principal {
    pub(crate) arn: String,
    pub(crate) user_id: String,
}

/// Temporary credentials that AssumeRole gave out.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) principal: Principal,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) expires: Timestamp,
}

/// Without its secrets.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, expires, .. } = self;
        f.debug_struct("Session")
            .field("principal", principal)
            .field("expires", expires)
            .finish_non_exhaustive()
    }
}

/// Any key is good unless a test retires it. S3 checks signatures of keys whose secrets are known.
#[derive(Debug)]
pub(crate) struct Access {
    account: String,
    accepted: Option<BTreeSet<String>>,
    denied: BTreeSet<String>,
    sessions: HashMap<String, Session>,
}

impl Access {
    pub(crate) fn new(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            accepted: None,
            denied: BTreeSet::new(),
            sessions: HashMap::new(),
        }
    }

    pub(crate) fn accept_only(&mut self, key: &str) {
        self.accepted = Some(BTreeSet::from([key.to_owned()]));
    }

    pub(crate) fn accept_also(&mut self, key: &str) {
        self.accepted.get_or_insert_default().insert(key.to_owned());
    }

    pub(crate) fn deny(&mut self, action: &str) {
        self.denied.insert(action.to_ascii_lowercase());
    }

    pub(crate) fn allow(&mut self, action: &str) {
        self.denied.remove(&action.to_ascii_lowercase());
    }

    pub(crate) fn add_session(&mut self, key: String, session: Session) {
        self.sessions.insert(key, session);
    }

    /// The secret of a key, where the simulation gave it out.
    pub(crate) fn secret(&self, key: &str) -> Option<String> {
        let session = self.sessions.get(key).map(|session| session.secret.clone());
        session.or_else(|| (key == ACCESS_KEY_ID).then(|| SECRET_ACCESS_KEY.to_owned()))
    }

    /// Whether a token is that of a key that AssumeRole gave out. Other keys' tokens are anybody's.
    pub(crate) fn token_is_good(&self, key: &str, token: Option<&str>) -> bool {
        self.sessions.get(key).is_none_or(|session| token == Some(&session.token))
    }

    /// Who owns an access key.
    ///
    /// Codes and statuses: EC2 API reference, "Error codes for the Amazon EC2 API", client error codes for all actions
    /// (AuthFailure, RequestExpired); STS API reference, "Common Errors" (ExpiredToken, InvalidClientTokenId).
    pub(crate) fn authenticate(
        &self,
        key: &str,
        service: &str,
        now: Timestamp,
    ) -> Result<Principal, ApiError> {
        if let Some(session) = self.sessions.get(key) {
            return if now < session.expires { Ok(session.principal.clone()) } else { Err(expired(service)) };
        }
        if self.accepted.as_ref().is_some_and(|accepted| !accepted.contains(key)) {
            return Err(unknown_key(service));
        }
        Ok(self.owner())
    }

    /// Whom every key belongs to that AssumeRole did not give out.
    pub(crate) fn owner(&self) -> Principal {
        let arn = format!("arn:aws:iam::{}:user/simulated", self.account);
        Principal { arn, user_id: "AIDASIMULATEDUSER0001".to_owned() }
    }

    /// Whether a principal may take an action such as `ec2:RunInstances`.
    pub(crate) fn authorize(&self, principal: &Principal, action: &str) -> Result<(), ApiError> {
        if !self.denied.contains(&action.to_ascii_lowercase()) {
            return Ok(());
        }
        let code = if action.starts_with("ec2:") { "UnauthorizedOperation" } else { "AccessDenied" };
        let message = format!(
            "You are not authorized to perform this operation. User: {} is not authorized to perform: {action} \
             because no identity-based policy allows the {action} action",
            principal.arn
        );
        Err(ApiError::new(code, message).with_status(403))
    }
}

fn expired(service: &str) -> ApiError {
    match service {
        "sts" => ApiError::new("ExpiredToken", "The security token included in the request is expired")
            .with_status(403),
        "ebs" => {
            ApiError::new("ExpiredTokenException", "The security token included in the request is expired")
                .with_status(403)
        }
        "s3" => ApiError::new("ExpiredToken", "The provided token has expired."),
        _ => ApiError::new("RequestExpired", "Request has expired."),
    }
}

fn unknown_key(service: &str) -> ApiError {
    match service {
        "sts" => {
            ApiError::new("InvalidClientTokenId", "The security token included in the request is invalid.")
                .with_status(403)
        }
        "ebs" => {
            let message = "The security token included in the request is invalid.";
            ApiError::new("UnrecognizedClientException", message).with_status(403)
        }
        "s3" => {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            ApiError::new("InvalidAccessKeyId", message).with_status(403)
        }
        _ => ApiError::new("AuthFailure", "AWS was not able to validate the provided access credentials")
            .with_status(401),
    }
}
