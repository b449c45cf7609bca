//! One request to S3, from its arrival to its reply.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use s3s::{Body, S3Error};

use super::exchange::{Exchange, Intake};
use super::frontend::Frontend;
use super::gate::Gate;
use super::host::{Hosts, host_of};
use super::signature;
use crate::calls::CallOutcome;
use crate::config::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use crate::fault::Struck;
use crate::http::body::{half_of, held_up};
use crate::sim::{Broken, Sim};

/// Serves one request. A body that breaks off on the way back is the reply's own error.
pub(crate) async fn serve(sim: &Sim, request: http::Request<Body>) -> Result<http::Response<Body>, Broken> {
    let (mut parts, body) = request.into_parts();
    let head = parts.method == Method::HEAD;
    let exchange = Arc::new(Exchange::default());
    let intake = Intake::new(body, length(&parts), exchange.clone());
    let response = answer(sim, &mut parts, &intake, &exchange).await;
    let (struck, cut) = {
        let state = exchange.state();
        (state.struck.clone(), state.cut)
    };
    let lost = cut || struck.lost_before;
    let Some(mut response) = response.filter(|_| !lost) else {
        log(sim, &exchange, CallOutcome::Lost { effect: false });
        return Err(Broken::Reset);
    };
    let error = error_code(&response);
    let effect = error.is_none();
    let midway = struck.reset_midway || struck.truncated;
    log(
        sim,
        &exchange,
        match error {
            Some(code) => CallOutcome::Error { code, status: response.status().as_u16() },
            None if struck.lost_after || midway => CallOutcome::Lost { effect },
            None => CallOutcome::Ok,
        },
    );
    intake.drain().await;
    let reply = sim.world().latencies.reply;
    sim.clock.sleep(reply + struck.delay).await;
    if struck.lost_after {
        return Err(Broken::Reset);
    }
    if head || response.status() == StatusCode::NOT_MODIFIED {
        *response.body_mut() = Body::empty();
    }
    label(sim, &mut response);
    if effect { strike_reply(response, &struck).await } else { Ok(response) }
}

/// None where the connection broke.
async fn answer(
    sim: &Sim,
    parts: &mut Parts,
    intake: &Intake,
    exchange: &Arc<Exchange>,
) -> Option<http::Response<Body>> {
    // s3s reads the host from the header, which the SDK leaves to its connector.
    if let Some(host) = host_of(parts).and_then(|host| HeaderValue::from_str(host).ok()) {
        parts.headers.insert(http::header::HOST, host);
    }
    let secret = |key: &str| sim.world().access.secret(key);
    let signer = match signature::read(parts, sim.now(), secret, (ACCESS_KEY_ID, SECRET_ACCESS_KEY)) {
        Ok(signer) => signer,
        Err(error) => return refusal(error),
    };
    let gate = Gate { sim: sim.clone(), exchange: exchange.clone(), signer };
    let mut builder = S3ServiceBuilder::new(Frontend::new(&gate, host_of(parts)));
    let mut config = S3Config::default();
    // s3s asks the machine's clock how old a signature is; the simulation lives in its own time.
    config.presigned_url_max_skew_time_secs = u32::MAX;
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.set_host(Hosts);
    builder.set_auth(gate.clone());
    builder.set_access(gate);
    let request = http::Request::from_parts(parts.clone(), Body::http_body(intake.clone()));
    builder.build().call(request).await.ok()
}

fn refusal(error: S3Error) -> Option<http::Response<Body>> {
    error.to_http_response().ok()
}

fn length(parts: &Parts) -> Option<u64> {
    parts.headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn log(sim: &Sim, exchange: &Exchange, outcome: CallOutcome) {
    let (logged, received) = {
        let state = exchange.state();
        (state.logged, state.received)
    };
    if let Some(index) = logged {
        sim.world().end(index, outcome, received);
    }
}

/// The code in an error's document, which may come with status 200.
fn error_code(response: &http::Response<Body>) -> Option<String> {
    let failed = !response.status().is_success();
    let unknown = failed.then(|| response.status().as_str().to_owned());
    let Some(bytes) = response.body().bytes() else { return unknown };
    let text = String::from_utf8_lossy(&bytes);
    if !text.contains("<Error>") {
        return unknown;
    }
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code.to_owned())
}

fn label(sim: &Sim, response: &mut http::Response<Body>) {
    let id = sim.world().request_id();
    let date = sim.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for (name, value) in [("x-amz-request-id", &id), ("x-amz-id-2", &id), ("date", &date)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
}

/// Half of a reply, then what the fault says.
async fn strike_reply(
    response: http::Response<Body>,
    struck: &Struck,
) -> Result<http::Response<Body>, Broken> {
    // A fault halfway through an upload that has no body strikes the reply.
    let broken = struck.truncated || struck.reset_midway;
    if !broken && !struck.stalled {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(|_| Broken::Reset)?.to_bytes();
    if bytes.is_empty() {
        return if broken { Err(Broken::Reset) } else { std::future::pending().await };
    }
    parts.headers.insert(http::header::CONTENT_LENGTH, bytes.len().into());
    let half = if broken { Body::http_body(half_of(&bytes)) } else { Body::http_body(held_up(&bytes)) };
    Ok(http::Response::from_parts(parts, half))
}
