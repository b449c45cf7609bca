//! The spans and events that the docs promise.

use std::sync::{Arc, Mutex};

use tracing::instrument::WithSubscriber;
use tracing_subscriber::fmt::format::FmtSpan;

use super::world::{World, debian};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn every_provider_call_has_a_span_and_every_node_its_events() {
    // With only one subscriber in the process, call sites that another test's thread reaches first would stay silent here.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().json().with_span_events(FmtSpan::CLOSE);
    let subscriber =
        subscriber.with_max_level(tracing::Level::DEBUG).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new();
    let up_and_down = async {
        let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
        running.ready().await.unwrap();
        running.terminate().await.unwrap().assert_clean();
    };
    up_and_down.with_current_subscriber().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let spans = lines.iter().filter(|line| line["fields"]["message"] == "close").map(|line| &line["span"]);
    let spans: Vec<_> = spans.filter(|span| span["name"] == "provider.call").collect();
    let of =
        |operation: &'static str| spans.iter().copied().filter(move |span| span["operation"] == operation);
    let calls = world.cloud.script().calls().len();
    assert_eq!(spans.len(), calls, "one span a call");
    assert!(spans.iter().all(|span| span["deployment"] == "shop"));
    assert!(of("launch").all(|span| span["fleet"] == "web") && of("launch").count() == 1);
    assert!(of("wait").any(|span| span["node"] == "web/1"));
    assert!(of("terminate").all(|span| span["instances"] == 2));
    let live = lines.iter().filter(|line| line["fields"]["message"] == "live");
    let mut live: Vec<&str> = live.map(|line| line["fields"]["node"].as_str().unwrap()).collect();
    live.sort_unstable();
    assert_eq!(live, ["web/0", "web/1"]);
}
