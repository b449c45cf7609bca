//! One request to the EBS direct APIs, served by the world like any other.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::json;

use super::Refusal;
use super::call::{Call, Request};
use super::{read, write};
use crate::calls::CallOutcome;
use crate::fault::{Struck, Target};
use crate::request::Scope;
use crate::sim::Broken;
use crate::throttle::Throttling;
use crate::world::{Served, World};

pub(super) type Reply = http::Response<Bytes>;

pub(super) fn http_reply(status: u16, headers: &[(&str, String)], body: impl Into<Bytes>) -> Reply {
    let mut reply = http::Response::new(body.into());
    // A fault plan may ask for a status that HTTP does not know.
    *reply.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    reply.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            reply.headers_mut().insert(name, value);
        }
    }
    reply
}

fn refused(refusal: &Refusal) -> Reply {
    let mut body = json!({ "Message": refusal.message });
    if let Some(reason) = refusal.reason {
        body["Reason"] = reason.into();
    }
    http_reply(refusal.status, &[("x-amzn-errortype", refusal.code.clone())], body.to_string())
}

impl World {
    pub(crate) fn serve_ebs(&mut self, request: &http::Request<Bytes>, now: Timestamp) -> Served {
        let id = self.request_id();
        let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let label = |mut reply: Reply| {
            for (name, value) in [("x-amzn-requestid", &id), ("date", &date)] {
                if let Ok(value) = HeaderValue::from_str(value) {
                    reply.headers_mut().insert(HeaderName::from_static(name), value);
                }
            }
            reply
        };
        let call = match Call::read(request.method(), request.uri().path()) {
            Ok(call) => call,
            Err(refusal) => return Served { reply: Ok(label(refused(&refusal))), delay: Duration::ZERO },
        };
        let header = request.headers().get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let scope = Scope::read(header, None);
        let region = scope.region.unwrap_or_else(|| self.home().to_owned());
        let number = self.log.len() as u64 + 1;
        let struck =
            self.faults.strike(Target { number, operation: call.operation(), region: &region, zone: None });
        let params = call.params(request.uri().query().unwrap_or_default());
        let index = self.begin(call.operation(), region.clone(), scope.key.clone(), params, now);
        let result = (!struck.lost_before).then(|| {
            let key = scope.key.as_deref();
            self.answer_ebs(&call, request, &struck, (key, &region), now)
        });
        let effect = matches!(result, Some(Ok(_)));
        let (reply, outcome) = match result {
            Some(Ok(reply)) if struck.truncated => {
                (Err(Broken::Truncated(label(reply))), CallOutcome::Lost { effect })
            }
            Some(_) if struck.lost_after => (Err(Broken::Reset), CallOutcome::Lost { effect }),
            None => (Err(Broken::Reset), CallOutcome::Lost { effect }),
            Some(Ok(reply)) => (Ok(label(reply)), CallOutcome::Ok),
            Some(Err(refusal)) => {
                let outcome = CallOutcome::Error { code: refusal.code.clone(), status: refusal.status };
                (Ok(label(refused(&refusal))), outcome)
            }
        };
        self.end(index, outcome, request.body().len() as u64);
        Served { reply, delay: struck.delay }
    }

    fn answer_ebs(
        &mut self,
        call: &Call,
        request: &http::Request<Bytes>,
        struck: &Struck,
        (key, region): (Option<&str>, &str),
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let missing =
            || Refusal::new("MissingAuthenticationTokenException", 403, "Missing Authentication Token");
        let principal = self.access.authenticate(key.ok_or_else(missing)?, "ebs", now)?;
        let authorized = self.access.authorize(&principal, &format!("ebs:{}", call.operation()));
        authorized.map_err(|error| Refusal { code: "AccessDeniedException".to_owned(), ..error.into() })?;
        match &struck.error {
            Some((code, _)) if code == "RequestLimitExceeded" => {
                return Err(Refusal::throttled("ACCOUNT_THROTTLED"));
            }
            Some((code, status)) => {
                return Err(Refusal::new(
                    code,
                    *status,
                    format!("The simulation was told to answer {code}."),
                ));
            }
            None => {}
        }
        let mut ctx = self.ctx(region, now);
        ctx.principal = principal;
        ctx.fate = struck.fate.clone();
        let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        let request =
            Request { headers: request.headers(), query: query.into_owned().collect(), body: request.body() };
        let throttled = self.throttling() != Throttling::Off;
        let spool = self.storage.spool.clone();
        let mut blocks = std::mem::take(&mut self.blocks);
        let cloud = self.cloud(region, now);
        let reply = match call {
            Call::StartSnapshot => write::start(cloud, &mut blocks, &ctx, &request),
            Call::PutSnapshotBlock(id, index) => {
                write::put(cloud, &mut blocks, spool, &ctx, &request, (id, index, throttled))
            }
            Call::CompleteSnapshot(id) => write::complete(cloud, &mut blocks, &ctx, &request, id),
            Call::ListSnapshotBlocks(id) => read::list(cloud, &blocks, &ctx, &request, id),
            Call::ListChangedBlocks(id) => read::changed(cloud, &blocks, &ctx, &request, id),
            Call::GetSnapshotBlock(id, index) => read::get(cloud, &blocks, &ctx, &request, (id, index)),
        };
        self.blocks = blocks;
        reply
    }
}
