//! What a fleet cannot be asked.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::model::Image;
use ec2_stories_core::probe::{
    Heartbeats, Http, Icmp, ProbeExt, Tcp, TlsExpiry, all_of, any_of, not, probe_fn,
};
use ec2_stories_core::provider::{Liveness, Probe};
use ec2_stories_core::{ErrorKind, Fleet, Result};

fn fleet(probe: impl Probe + 'static) -> Result<Fleet> {
    Fleet::builder().name("web").nodes(1).image(Image::id("ami-1")).probe(probe).build()
}

#[tokio::test]
async fn a_fleet_is_not_made_with_a_probe_that_cannot_be_meant() {
    let heartbeats = Heartbeats::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let nothing = Duration::ZERO;
    let good = || Tcp::port(22).shared();
    let wrong: [(Arc<dyn Probe>, &str); 13] = [
        (Tcp::port(0).shared(), "port"),
        (Tcp::port(22).timeout(nothing).shared(), "timeout"),
        (Http::get(0, "/").shared(), "port"),
        (Http::get(80, "health").shared(), "path"),
        (Http::get(80, "").shared(), "path"),
        (Http::get(80, "/").timeout(nothing).shared(), "timeout"),
        (Http::get(80, "/").answered("a b", "x").unwrap().shared(), "answered.a b"),
        (TlsExpiry::port(0).thresholds(2, 1).shared(), "port"),
        (Icmp::echo().timeout(nothing).shared(), "timeout"),
        (probe_fn("own", async |_| Liveness::Live).timeout(nothing).shared(), "timeout"),
        (heartbeats.within(nothing).shared(), "within"),
        (
            any_of([good(), all_of([good(), not(Tcp::port(0)).shared()]).shared()]).shared(),
            "any_of[1].all_of[1].not.port",
        ),
        (all_of([]).shared(), "all_of"),
    ];
    for (probe, field) in wrong {
        let error = fleet(probe).unwrap_err();
        let named = format!("fleet.web.probe.{field}");
        assert_eq!((error.kind(), error.resource()), (ErrorKind::Invalid, Some(named.as_str())));
    }
    fleet(all_of([good(), Http::get(443, "/health").shared()])).unwrap();
    assert!(Http::get(80, "/").host("").is_err());
}
