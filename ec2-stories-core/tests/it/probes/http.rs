//! Pages.

use ec2_stories_core::conformance::{self, ProbeFixture};
use ec2_stories_core::probe::{Http, Method, Redirects};
use ec2_stories_core::provider::{Liveness, Probe};

use super::server::{self, Server, elsewhere, page};
use super::{PATIENT, SHORT, fails, no_name};
use crate::support::node;

async fn shop() -> Server {
    server::http(None, |path| match path {
        "/health" => page(200, "all is Ready\n"),
        "/busy" => page(503, "later"),
        "/big" => page(200, &"x".repeat(3 << 20)),
        "/there" => elsewhere("/health"),
        "/loop" => elsewhere("/loop"),
        "/away" => elsewhere("http://127.0.0.9/health"),
        _ => page(404, ""),
    })
    .await
}

async fn ask(probe: &Http) -> Liveness {
    probe.check(&node(0, "127.0.0.1")).await
}

#[tokio::test]
async fn http_keeps_the_contract() {
    let (shop, silent) = (shop().await, server::silent().await);
    let here = || node(0, "127.0.0.1");
    let fixture = ProbeFixture {
        live: (Http::get(shop.port(), "/health"), here()),
        failing: (Http::get(shop.port(), "/busy"), here()),
        silent: Some((Http::get(silent.port(), "/health").timeout(SHORT), here())),
        sick: Some((Http::get(80, "/health"), node(0, &no_name()))),
        declared_dead: None,
    };
    conformance::probe(&fixture).await;
}

#[tokio::test]
async fn statuses_content_and_headers_are_looked_at() {
    let shop = shop().await;
    let get = |path: &str| Http::get(shop.port(), path).timeout(PATIENT);
    fails(&ask(&get("/busy")).await, "status 503");
    assert_eq!(ask(&get("/busy").status(500..=503)).await, Liveness::Live);
    assert_eq!(ask(&get("/health").body("(?i)ready$|ready\n").unwrap()).await, Liveness::Live);
    fails(&ask(&get("/health").body("^ready").unwrap()).await, "nothing in it matches ^ready");
    assert_eq!(ask(&get("/health").answered("content-length", "^13$").unwrap()).await, Liveness::Live);
    fails(&ask(&get("/health").answered("x-version", ".").unwrap()).await, "no header x-version");
    fails(&ask(&get("/big").body("y").unwrap()).await, "nothing in it matches y");
}

#[tokio::test]
async fn what_is_sent_is_what_was_said() {
    let shop = shop().await;
    let secret = "hunter2".to_owned().into();
    let probe =
        Http::get(shop.port(), "/health?a=1 2").method(Method::Head).host("shop.example.org").unwrap();
    let probe = probe.header("accept", "text/plain").unwrap().secret_header("x-key", &secret).unwrap();
    assert_eq!(ask(&probe).await, Liveness::Live);
    let seen = shop.seen().pop().unwrap();
    let host = format!("host: shop.example.org:{}", shop.port());
    for line in ["HEAD /health?a=1%202", "accept: text/plain", "x-key: hunter2", host.as_str()] {
        assert!(seen.lines().any(|seen| seen == line), "{line}: {seen}");
    }
    let shown = format!("{probe:?} {} {}", probe.name(), serde_json::to_string(&probe).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(!probe.name().contains("a=1"), "{}", probe.name());
}

#[tokio::test]
async fn it_goes_where_it_may_and_never_off_the_node_unasked() {
    let shop = shop().await;
    let get = |path: &str, redirects| Http::get(shop.port(), path).redirects(redirects);
    fails(&ask(&get("/there", Redirects::Stay)).await, "status 302");
    assert_eq!(ask(&get("/there", Redirects::OnNode(1))).await, Liveness::Live);
    fails(&ask(&get("/loop", Redirects::OnNode(3))).await, "once too often");
    assert_eq!(shop.seen().iter().filter(|seen| seen.starts_with("GET /loop")).count(), 4);
    fails(&ask(&get("/away", Redirects::OnNode(3))).await, "to another machine");
    // Nobody listens there: it was asked.
    fails(&ask(&get("/away", Redirects::Anywhere(3))).await, "connection refused");
}

#[tokio::test]
async fn what_is_no_http_is_failing() {
    for (said, why) in [("", "hung up"), ("SSH-2.0-OpenSSH_9.2\r\n", "no HTTP"), ("HTTP/1.1 200", "hung up")]
    {
        let server = server::saying(said).await;
        let answer = ask(&Http::get(server.port(), "/")).await;
        match &answer {
            Liveness::Failing(said) if said.contains(why) || said == "connection reset" => {}
            other => panic!("{said:?}: {other:?}"),
        }
    }
}
