//! No log line of ours, nor of the SDK, holds a secret while accounts are used.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use ec2_stories_core::TokioClock;
use ec2_stories_core::account::{AssumedRole, Chain, Environment, SecretFile, StaticAccount};
use ec2_stories_core::provider::AccountProvider;
use tracing_subscriber::fmt::MakeWriter;

use super::server::Server;
use super::sts::{self, SECRET, TOKEN};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_line_holds_a_secret() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(lines.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    tracing::info!("begin");

    let clock = Arc::new(TokioClock::starting_at("2026-01-01T00:00:00Z".parse().unwrap()));
    let base = StaticAccount::new("AKIABASE", "base-secret/EXAMPLE", "eu-west-1")
        .session_token("base-token/EXAMPLE");
    let granting = sts::granting("2026-01-01T01:00:00Z").await;
    let refusing = sts::refusing().await;
    let role = |sts: &Server| {
        AssumedRole::new(Arc::new(base.clone()), "arn:aws:iam::1:role/r")
            .endpoint_url(&sts.url)
            .clock(clock.clone())
    };
    let granted = role(&granting);
    granted.credentials().await.unwrap();
    let refused = role(&refusing);
    let refusal = refused.credentials().await.unwrap_err();
    let chain =
        Chain::new().or(Environment::from_lookup(|_| None)).or(SecretFile::at("/nonexistent")).or(refused);
    let failure = chain.credentials().await.unwrap_err();
    tracing::error!(?granted, ?chain, ?refusal, %failure, chained = failure.chain(), "all of it");

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("begin") && log.contains("all of it"));
    assert!(log.contains("assume_role"), "the SDK logs too");
    for secret in [SECRET, TOKEN, "base-secret/EXAMPLE", "base-token/EXAMPLE"] {
        for line in log.lines() {
            assert!(!line.contains(secret), "{line}");
        }
    }
}
