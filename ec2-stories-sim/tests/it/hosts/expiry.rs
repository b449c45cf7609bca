//! A real cloud-init runs what a dev deployment launches with: a machine that nobody renews ends itself.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ec2_stories_core::memory::MemoryCloud;
use ec2_stories_core::model::{CloudConfig, Expires, Image, LaunchRequest};
use ec2_stories_core::{Clock, Deployment, Fleet, MemoryStore, SystemClock};
use ec2_stories_sim::{Hosts, Latencies, Sim, State};
use tokio::time::{Instant, sleep};

use super::Bench;
use super::namespace::say;
use crate::form::{call, launch};

/// The guest looks every two seconds, and must see its tag unchanged for twelve.
const LIFE: Duration = Duration::from_secs(24);
/// Booting takes its time on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a dev deployment writes down that it will launch.
async fn request(user_data: Option<CloudConfig>) -> LaunchRequest {
    let (cloud, store) = (MemoryCloud::new(), MemoryStore::new());
    cloud.boot_time(Duration::ZERO);
    cloud.shutdown_time(Duration::ZERO);
    let web = Fleet::builder().name("web").nodes(1).image(Image::public("debian-12")).expires_after(LIFE);
    let web = web.maybe_user_data(user_data);
    let shop = Deployment::builder().name("shop").cloud(cloud).journal(store.clone());
    let running = shop.fleet(web.build().unwrap()).build().unwrap().start().await.unwrap();
    running.ready().await.unwrap();
    let journal = store.dump().into_iter().find(|(name, _)| name.contains("/launches/")).unwrap();
    // The first line is the record's checksum.
    let body = journal.1.iter().position(|byte| *byte == b'\n').unwrap();
    let record: serde_json::Value = serde_json::from_slice(&journal.1[body..]).unwrap();
    running.terminate().await.unwrap().assert_clean();
    serde_json::from_value(record["record"]["request"].clone()).unwrap()
}

struct Guests {
    bench: Bench,
}

impl Guests {
    fn expires(&self) -> String {
        let (_, value) = Expires::after(self.bench.sim.now(), LIFE).tag();
        value
    }

    async fn new() -> Self {
        let hosts = Hosts::namespace().await.unwrap();
        // The guests' clocks are this machine's.
        let sim = Sim::builder().start(SystemClock.now()).latency(Latencies::none()).hosts(hosts).build();
        Self { bench: Bench::of(sim).await }
    }

    async fn launch(&self, request: &LaunchRequest) -> String {
        assert!(request.metadata.tags);
        let data = BASE64_STANDARD.encode(request.user_data.as_ref().unwrap());
        let fields = [
            ("KeyName", "k"),
            ("UserData", &*data),
            ("InstanceInitiatedShutdownBehavior", "terminate"),
            ("MetadataOptions.HttpTokens", "required"),
            ("MetadataOptions.InstanceMetadataTags", "enabled"),
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", "ec2-stories:expires"),
            ("TagSpecification.1.Tag.1.Value", &*self.expires()),
        ];
        launch(&self.bench.sim, "1", &fields).await.ok().one("instanceId")
    }

    async fn renew(&self, id: &str) {
        let expires = self.expires();
        let fields = [("ResourceId.1", id), ("Tag.1.Key", "ec2-stories:expires"), ("Tag.1.Value", &*expires)];
        call(&self.bench.sim, "CreateTags", &fields).await.ok();
    }

    /// Renews it until it has read a time that it was given after its machine had lost `lost` and got `has`.
    async fn until_read(&self, id: &str, lost: &str, has: &str) {
        let begun = Instant::now();
        let mut since = None;
        let look = format!(
            "for it in {lost}; do command -v $it >/dev/null && exit 0; done; command -v {has} >/dev/null || exit 0; \
             cut -d' ' -f1 /run/ec2-stories-expiry/seen"
        );
        loop {
            assert!(
                begun.elapsed() < PATIENCE,
                "{has} never read the tag:\n{}",
                self.bench.console(id).await
            );
            self.renew(id).await;
            let said = say(&self.bench, id, &look).await;
            match (said.parse::<u64>(), since) {
                (Ok(_), None) => since = digits(&self.expires()),
                (Ok(seen), Some(since)) if seen >= since => return,
                _ => {}
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Renews it until cloud-init has done its work; installing packages takes its time.
    async fn until_booted(&self, id: &str) {
        let begun = Instant::now();
        while !self.bench.console(id).await.contains("-----END SSH HOST KEY KEYS-----") {
            assert!(begun.elapsed() < PATIENCE, "{id} boots:\n{}", self.bench.console(id).await);
            self.renew(id).await;
            sleep(Duration::from_secs(1)).await;
        }
    }

    fn state(&self, id: &str) -> State {
        self.bench.sim.instance(id).unwrap().state
    }

    /// Waits for the end of one, and renews the other meanwhile.
    async fn until_ended(&self, id: &str, kept: Option<&str>) {
        let begun = Instant::now();
        while self.state(id) != State::Terminated {
            assert!(begun.elapsed() < PATIENCE, "{id} still runs:\n{}", self.bench.console(id).await);
            if let Some(kept) = kept {
                self.renew(kept).await;
            }
            sleep(Duration::from_secs(2)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_nobody_renews_ends_itself_and_one_that_is_renewed_does_not() {
    if !nix::unistd::geteuid().is_root() {
        let error = Hosts::namespace().await.err().unwrap().to_string();
        assert!(error.contains("need root"), "{error}");
        return;
    }
    let (guests, request) = (Guests::new().await, request(None).await);
    let (lost, kept) = (guests.launch(&request).await, guests.launch(&request).await);
    guests.bench.up(&lost).await;
    guests.bench.up(&kept).await;
    guests.until_ended(&lost, Some(&kept)).await;
    let reply = call(&guests.bench.sim, "DescribeInstances", &[("InstanceId.1", &lost)]).await.ok();
    assert_eq!(reply.inside("stateReason", "code"), ["Client.InstanceInitiatedShutdown"]);
    assert_eq!(guests.state(&kept), State::Running);

    // A reboot does not make it forget.
    guests.bench.act("RebootInstances", &kept).await;
    guests.until_ended(&kept, None).await;
    call(&guests.bench.sim, "DeleteKeyPair", &[("KeyName", "k")]).await.ok();
    guests.bench.sim.assert_clean();
}

fn digits(time: &str) -> Option<u64> {
    time.chars().filter(char::is_ascii_digit).take(14).collect::<String>().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_curl_a_guest_reads_its_tag_with_python_and_without_both_with_wget() {
    if !nix::unistd::geteuid().is_root() {
        let error = Hosts::namespace().await.err().unwrap().to_string();
        assert!(error.contains("need root"), "{error}");
        return;
    }
    let guests = Guests::new().await;
    let python = CloudConfig::new().run(["rm", "/usr/bin/curl"]);
    // Cloud-init itself is Python: it is done with it by then.
    let wget = CloudConfig::new().packages(["wget"]).run(["rm", "/usr/bin/curl", "/usr/bin/python3"]);
    let with_python = guests.launch(&request(Some(python)).await).await;
    let with_wget = guests.launch(&request(Some(wget)).await).await;
    tokio::join!(guests.until_booted(&with_python), guests.until_booted(&with_wget));
    tokio::join!(
        guests.until_read(&with_python, "curl", "python3"),
        guests.until_read(&with_wget, "curl python3", "wget"),
    );
    tokio::join!(guests.until_ended(&with_python, None), guests.until_ended(&with_wget, None));
    call(&guests.bench.sim, "DeleteKeyPair", &[("KeyName", "k")]).await.ok();
    guests.bench.sim.assert_clean();
}
