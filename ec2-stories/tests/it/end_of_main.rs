//! The end of a program that has let go of a dev deployment, over real connections, which belong to the runtime that goes down.

use std::time::Duration;

use ec2_stories::prelude::*;
use ec2_stories::sim::Listener;
use tokio::runtime::{Builder, Runtime};

/// A cloud that outlives the program's runtime.
struct Elsewhere {
    sim: Sim,
    cloud: Listener,
    _runtime: Runtime,
}

impl Elsewhere {
    fn new() -> Self {
        let latency = Latencies::builder()
            .boot(Duration::from_millis(300))
            .terminate(Duration::from_millis(200))
            .build();
        let sim = Sim::builder().latency(latency).start(SystemClock.now()).build();
        let runtime = multi_thread(1);
        let cloud = runtime.block_on(sim.listen("127.0.0.1:0".parse().unwrap())).unwrap();
        Self { sim, cloud, _runtime: runtime }
    }

    async fn two_ready(&self) -> Running {
        let account = StaticAccount::new(ec2_stories::sim::ACCESS_KEY_ID, "x", "us-east-1");
        let config = ec2_stories::aws::sdk_config(Arc::new(account)).await.unwrap();
        let config = config.into_builder().endpoint_url(self.cloud.url()).build();
        let web = Fleet::builder().name("web").nodes(2).image(Image::public("debian-12")).build().unwrap();
        let shop = Deployment::builder()
            .name("shop")
            .cloud(Ec2::from_config(&config))
            .journal(MemoryStore::new())
            .fleet(web)
            .build()
            .unwrap();
        let running = shop.start().await.unwrap();
        running.ready().await.unwrap();
        running
    }
}

fn multi_thread(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_handle_dropped_in_main() {
    for runtime in [multi_thread(2), current_thread()] {
        let elsewhere = Elsewhere::new();
        runtime.block_on(async { drop(elsewhere.two_ready().await) });
        drop(runtime);
        elsewhere.sim.assert_clean();
    }
}

#[test]
fn a_handle_dropped_after_its_runtime() {
    for runtime in [multi_thread(2), current_thread()] {
        let elsewhere = Elsewhere::new();
        let running = runtime.block_on(elsewhere.two_ready());
        drop(runtime);
        drop(running);
        elsewhere.sim.assert_clean();
    }
}
