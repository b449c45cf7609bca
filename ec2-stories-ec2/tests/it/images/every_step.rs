//! Every API call of an image's life fails in turn, each in every way; whoever comes next finds its way back.

use std::time::Duration;

use ec2_stories_core::Result;
use ec2_stories_core::image::{Encryption, ImageSpec};
use ec2_stories_core::model::Region;
use ec2_stories_core::provider::{ImageRegistry, UploadedImage};
use ec2_stories_ec2::Ec2;
use ec2_stories_sim::{Fault, Sim};

use super::{quick, upload};

/// What the SDK's standard retries make of one call.
const SDK_ATTEMPTS: u64 = 3;

/// From an upload to images in two regions, shared.
async fn up(ec2: &Ec2, uploaded: &UploadedImage) -> Result<()> {
    let spec = ImageSpec { encryption: Encryption::Off, ..ImageSpec::named("web-7") };
    let image = ec2.register(uploaded, &spec).await?;
    ec2.share(&image.id, &["210987654321".to_owned()]).await?;
    ec2.copy(&image.id, &Region::new("eu-west-1")).await?;
    Ok(())
}

/// Everything of it is removed.
async fn down(ec2: &Ec2, uploaded: &UploadedImage) -> Result<()> {
    for region in [Region::new("eu-west-1"), ec2.region()] {
        let there = ec2.in_region(&region);
        for image in there.published().await? {
            there.deregister(&image.id).await?;
        }
        there.abandon(uploaded).await?;
    }
    Ok(())
}

fn world() -> (Sim, UploadedImage) {
    let sim = quick();
    let uploaded = upload(&sim, "web");
    (sim, uploaded)
}

async fn settle() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

async fn fail_every_call(fault: Fault, times: u64) {
    let (sim, uploaded) = world();
    let ec2 = Ec2::from_config(&sim.sdk_config());
    up(&ec2, &uploaded).await.unwrap();
    let made = sim.calls().total();
    down(&ec2, &uploaded).await.unwrap();
    let all = sim.calls().total();
    sim.assert_clean();
    for at_call in 1..=all {
        let place = format!("{fault:?} at call {at_call} of {all}");
        let (sim, uploaded) = world();
        for number in at_call..at_call + times {
            sim.faults().at_call(number, fault.clone());
        }
        let first = Ec2::from_config(&sim.sdk_config());
        let way_up = up(&first, &uploaded).await;
        if at_call > made || way_up.is_ok() {
            let _ = down(&first, &uploaded).await;
        }
        // Another process comes after it.
        let next = Ec2::from_config(&sim.sdk_config());
        settle().await;
        if at_call <= made {
            up(&next, &uploaded).await.unwrap_or_else(|error| panic!("{place}: {error:?}"));
            let images = next.published().await.unwrap();
            assert_eq!(images.len(), 1, "{place}: {images:?}");
        }
        down(&next, &uploaded).await.unwrap_or_else(|error| panic!("{place}: {error:?}"));
        settle().await;
        assert!(sim.leaks().is_empty(), "{place}: {}", sim.leaks());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_call() {
    fail_every_call(Fault::Error { code: "UnauthorizedOperation".to_owned(), status: 403 }, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call() {
    fail_every_call(Fault::Throttle, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_lost_before_the_effect() {
    fail_every_call(Fault::ReplyLostBefore, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_lost_after_the_effect() {
    fail_every_call(Fault::ReplyLostAfter, 1).await;
}

#[tokio::test(start_paused = true)]
async fn replies_lost_until_the_sdk_gives_up() {
    fail_every_call(Fault::ReplyLostAfter, SDK_ATTEMPTS).await;
}
