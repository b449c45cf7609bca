//! A handle that is dropped, and a runtime that goes down: wherever a program ends, no dev node is left.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::model::{InstanceState, Mode};
use ec2_stories_core::provider::{Customizer, Node, StepReport};
use ec2_stories_core::{Result, Running};
use futures::future::pending;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use super::world::{World, debian};

fn quick_world() -> World {
    let world = World::new();
    world.cloud_is_quick();
    world
}

fn multi_thread(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

async fn two_ready(world: &World) -> Running {
    let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    running
}

#[track_caller]
fn assert_all_terminated(world: &World) {
    assert!(world.cloud.instances().iter().all(|instance| instance.state == InstanceState::Terminated));
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_drop_ends_a_dev_deployment_and_leaves_a_production_one() {
    for (mode, left) in [(Mode::Dev, 0), (Mode::Production, 2)] {
        let world = World { mode, ..World::new() };
        let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
        running.ready().await.unwrap();
        drop(running);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(world.cloud.live(), left, "{mode:?}");
    }
}

#[test]
fn at_the_end_of_main_the_drop_waits_for_the_nodes_to_go() {
    let world = quick_world();
    let runtime = multi_thread(1);
    runtime.block_on(async {
        drop(two_ready(&world).await);
        assert_all_terminated(&world);
    });
}

#[test]
fn the_end_of_a_current_thread_main_takes_the_nodes_down() {
    let world = quick_world();
    let runtime = current_thread();
    runtime.block_on(async { drop(two_ready(&world).await) });
    drop(runtime);
    assert_all_terminated(&world);
}

#[test]
fn a_drop_outside_of_the_runtime_takes_the_nodes_down() {
    for runtime in [multi_thread(2), current_thread()] {
        let world = quick_world();
        let running = runtime.block_on(two_ready(&world));
        drop(running);
        drop(runtime);
        assert_all_terminated(&world);
    }
}

#[test]
fn a_drop_after_its_runtime_takes_the_nodes_down() {
    for runtime in [multi_thread(2), current_thread()] {
        let world = quick_world();
        let running = runtime.block_on(two_ready(&world));
        drop(runtime);
        drop(running);
        assert_all_terminated(&world);
    }
}

#[test]
fn a_drop_in_a_local_set_takes_the_nodes_down() {
    let world = quick_world();
    multi_thread(2).block_on(LocalSet::new().run_until(async { drop(two_ready(&world).await) }));
    assert_all_terminated(&world);
}

#[test]
fn a_panic_in_a_local_set_takes_the_nodes_down_and_goes_on() {
    let world = Arc::new(quick_world());
    let seen = Arc::clone(&world);
    let program = std::thread::spawn(move || {
        multi_thread(2).block_on(LocalSet::new().run_until(async {
            let _running = two_ready(&seen).await;
            panic!("the program's own");
        }));
    });
    let panic = program.join().unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the program's own"));
    assert_all_terminated(&world);
}

#[test]
fn a_handle_in_a_task_that_ends_with_its_runtime_takes_the_nodes_down() {
    for runtime in [multi_thread(1), multi_thread(2), current_thread()] {
        let world = Arc::new(quick_world());
        let seen = Arc::clone(&world);
        runtime.block_on(async {
            let (sender, ready) = oneshot::channel();
            tokio::spawn(async move {
                let _running = two_ready(&seen).await;
                sender.send(()).unwrap();
                pending::<()>().await;
            });
            ready.await.unwrap();
        });
        drop(runtime);
        assert_all_terminated(&world);
    }
}

#[test]
fn a_drop_on_the_only_worker_lets_the_controller_go_on() {
    let world = Arc::new(quick_world());
    let seen = Arc::clone(&world);
    let runtime = multi_thread(1);
    runtime.block_on(async { tokio::spawn(async move { drop(two_ready(&seen).await) }).await }).unwrap();
    drop(runtime);
    assert_all_terminated(&world);
}

#[derive(Debug)]
struct Panics;

#[async_trait]
impl Customizer for Panics {
    fn name(&self) -> String {
        "panics".to_owned()
    }

    async fn customize(&self, node: &Node) -> Result<Vec<StepReport>> {
        panic!("customizing {}", node.address)
    }

    async fn undo(&self, _: &Node) -> Result<Vec<StepReport>> {
        Ok(Vec::new())
    }
}

#[test]
fn a_drop_after_the_controller_panicked_takes_the_nodes_down() {
    for runtime in [multi_thread(2), current_thread()] {
        let world = quick_world();
        runtime.block_on(async {
            let web = debian("web", 2).customize(Panics).build().unwrap();
            let running = world.shop([web]).start().await.unwrap();
            running.ready().await.unwrap_err();
            assert_ne!(world.cloud.live(), 0, "they are the program's to look at");
        });
        drop(runtime);
        assert_all_terminated(&world);
    }
}

#[test]
fn a_killed_controller_leaves_the_nodes_whatever_ends_after_it() {
    let world = quick_world();
    let runtime = current_thread();
    runtime.block_on(async { two_ready(&world).await.kill().await });
    drop(runtime);
    assert_eq!(world.cloud.live(), 2);
}
