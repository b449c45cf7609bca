//! SIGKILL while each API call of a publication is on its way, after it took effect; the next process goes on.

use std::time::Duration;

use ec2_stories::FileStore;
use ec2_stories::provider::TupleStore;
use ec2_stories::sim::{CallOutcome, Fault};
use futures::{StreamExt, stream};

use super::super::{Ended, STORY, Shop};
use super::{BUCKET, desk, disk, image};

const MIB: usize = 1024 * 1024;

/// Longer than any process here lives.
const NEVER: Duration = Duration::from_secs(3_600);

/// Worlds at once: what is waited for is waited for together.
const AT_ONCE: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Way {
    arguments: &'static [&'static str],
    /// The operation that sends content, and how often it is called for all of it.
    sends: &'static str,
    pieces: usize,
    bytes: usize,
}

/// Two parts of 8 MiB and a rest.
const BUCKET_WAY: Way =
    Way { arguments: &["--bucket", BUCKET], sends: "UploadPart", pieces: 3, bytes: 16 * MIB + 512 };

/// Blocks of 512 KiB.
const DIRECT: Way = Way { arguments: &["--direct"], sends: "PutSnapshotBlock", pieces: 8, bytes: 4 * MIB };

fn publish(shop: &Shop, way: Way) -> tokio::process::Command {
    let publish = ["publish", "web.raw", "--name", "web-7", "--unencrypted"];
    let reach = ["--share", "210987654321", "--copy-to", "eu-west-1", "--json"];
    image(shop, &[&publish[..], &reach, way.arguments].concat())
}

/// How often content was sent and arrived.
fn arrived(shop: &Shop, way: Way) -> usize {
    let took_effect =
        |outcome: &CallOutcome| matches!(outcome, CallOutcome::Ok | CallOutcome::Lost { effect: true });
    let calls = shop.sim.calls_log();
    calls.iter().filter(|call| call.operation == way.sends && took_effect(&call.outcome)).count()
}

/// How many pieces the next process has to send. S3 says which parts it has; of an unfinished snapshot EBS does not, and what the
/// dead process could not write down any more is sent again.
async fn missing(shop: &Shop, way: Way) -> usize {
    let there = arrived(shop, way);
    if way.sends == "UploadPart" {
        return way.pieces - there;
    }
    let journal = FileStore::open(shop.path(".ec2-stories/images")).unwrap();
    let Some(name) = journal.list("ebs-uploads/").await.unwrap().pop() else {
        return if there == 0 { way.pieces } else { 0 };
    };
    let record = journal.get(&name).await.unwrap().unwrap().value;
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    let ranges: Vec<(usize, usize)> = serde_json::from_value(record["acknowledged"].clone()).unwrap();
    way.pieces - ranges.iter().map(|(first, last)| last - first + 1).sum::<usize>()
}

/// Kills a publication at this call. Says whether it came so far.
async fn killed_at(shop: &Shop, way: Way, at_call: u64) -> bool {
    shop.sim.faults().at_call(at_call, Fault::Slow(NEVER));
    let mut process = publish(shop, way).spawn().unwrap();
    let reached = async {
        while shop.sim.calls().total() < at_call {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // What else is on its way arrives.
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let killed = tokio::select! {
        () = reached => true,
        _ = process.wait() => false,
    };
    process.kill().await.unwrap();
    shop.sim.faults().clear();
    killed
}

/// Waits until what a dead process had sent has arrived.
async fn settled(shop: &Shop, way: Way) {
    let mut before = None;
    while before != Some(arrived(shop, way)) {
        before = Some(arrived(shop, way));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Removes all there is: told of the file and the bucket, or of the journal alone.
async fn remove(shop: &Shop, way: Way, told: bool, place: &str) {
    let mut remove = vec!["remove", "web-7", "--copies-in", "eu-west-1"];
    if told {
        remove.extend(["--file", "web.raw"]);
        remove.extend(way.arguments.iter().filter(|argument| **argument != "--direct"));
    } else {
        remove.extend(["--journal", ".ec2-stories/images"]);
    }
    Ended::of(image(shop, &remove)).await.expect(0);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let leaks = shop.sim.leaks();
    assert!(leaks.is_empty(), "{place}: {leaks}");
}

async fn at(way: Way, at_call: u64) {
    let place = format!("{} killed at call {at_call}", way.sends);
    let shop = desk(STORY).await;
    disk(&shop, "web.raw", way.bytes);
    assert!(killed_at(&shop, way, at_call).await, "{place}: it ended before");
    if at_call.is_multiple_of(2) {
        settled(&shop, way).await;
        let (there, missing) = (arrived(&shop, way), missing(&shop, way).await);
        let published = Ended::of(publish(&shop, way)).await.expect(0);
        assert_eq!(published.json()["stage"], "published", "{place}");
        assert_eq!(arrived(&shop, way) - there, missing, "{place}: {there} were there");
        for operation in ["ImportSnapshot", "RegisterImage", "CopyImage", "StartSnapshot"] {
            let calls = shop.sim.calls_log();
            let made =
                calls.iter().filter(|call| call.operation == operation && call.outcome == CallOutcome::Ok);
            assert!(made.count() <= 2, "{place}: {operation}");
        }
        let listed = Ended::of(image(&shop, &["list", "--json"])).await.expect(0);
        assert_eq!(listed.json()["images"].as_array().unwrap().len(), 1, "{place}");
    }
    remove(&shop, way, at_call % 4 < 2, &place).await;
}

async fn everywhere(way: Way) {
    let shop = desk(STORY).await;
    disk(&shop, "web.raw", way.bytes);
    Ended::of(publish(&shop, way)).await.expect(0);
    let all = shop.sim.calls().total();
    assert_eq!(arrived(&shop, way), way.pieces);
    assert!(all > 15, "{all}");
    println!("{}: {all} calls\n{}", way.sends, shop.sim.calls());
    remove(&shop, way, true, "not killed").await;
    // How often is asked what is waited for depends on time; what comes last may come a call or two earlier.
    let settled = all - 2;
    stream::iter(1..=settled).for_each_concurrent(AT_ONCE, |call| at(way, call)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_bucket() {
    everywhere(BUCKET_WAY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn straight_into_a_snapshot() {
    everywhere(DIRECT).await;
}
