//! Orders from another terminal.

use super::{STORY, Shop};

fn production() -> String {
    format!("mode = 'production'\n{STORY}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_is_scaled_below_a_controller_that_runs() {
    let shop = Shop::new(&format!("{STORY}[fleet.health]\ndrain = '1s'\n")).await;
    let mut start = shop.start(&[]);
    start.ready().await;
    let pid = start.child.id().unwrap().to_string();
    let ordered = shop.run("scale", &["web=3"]).await.expect(0).json();
    assert_eq!((&ordered["order"], &ordered["controller"]), (&"scale".into(), &pid.into()));
    shop.until("three nodes", |sim| sim.running().len() == 3).await;
    shop.run("scale", &["web=1"]).await.expect(0);
    shop.until("one node", |sim| sim.running().len() == 1).await;
    start.signal("INT");
    start.end().await.expect(0);
    shop.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_without_a_controller_wait_for_the_next() {
    let shop = Shop::new(&production()).await;
    let ended = shop.run("scale", &["web=1"]).await.expect(0);
    assert!(ended.stderr.contains("nothing was ever started"), "{ended:?}");
    let ordered = ended.json();
    assert!(ordered["controller"].is_null(), "{ordered}");
    shop.run("start", &["--detach"]).await.expect(0);
    assert_eq!(shop.alive(), 1);
    shop.run("pause", &["--owner", "ada", "--reason", "a look"]).await.expect(0);
    shop.run("hold", &["web/0", "--owner", "ada", "--reason", "a look", "--for", "1h"]).await.expect(0);
    let status = shop.run("status", &[]).await.expect(0).json();
    assert_eq!(status["pause"]["owner"], "ada", "{status}");
    assert_eq!(status["holds"]["web/0"]["reason"], "a look", "{status}");
    shop.run("release", &["all"]).await.expect(0);
    shop.run("quarantine", &["web/0", "--reason", "odd"]).await.expect(0);
    let people = shop.for_people("status", &[]).output().await.unwrap();
    let people = String::from_utf8(people.stdout).unwrap();
    assert!(people.contains("paused by ada since 2") && people.contains(": a look"), "{people}");
    assert!(people.contains("web/0 ordered into quarantine at 2") && !people.contains("held"), "{people}");
    shop.run("replace", &["web/0", "--reason", "old"]).await.expect(0);
    shop.run("resume", &[]).await.expect(0);
    let people = shop.for_people("resume", &[]).output().await.unwrap();
    assert!(String::from_utf8(people.stdout).unwrap().contains("next start"), "says who takes it up");
    shop.run("terminate", &[]).await.expect(0);
    shop.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_to_go_is_shown_so() {
    let story = format!("{}[fleet.health]\ndrain = '1m'\n", production());
    let shop = Shop::new(&story).await;
    let mut start = shop.start(&[]);
    start.ready().await;
    shop.run("replace", &["web/1", "--reason", "odd"]).await.expect(0);
    start.line(|line| line.contains("\"draining\"")).await;
    let status = shop.run("status", &[]).await.expect(0).json();
    assert_eq!(status["nodes"][0]["phase"], "live", "{status}");
    assert_eq!(status["nodes"][1]["phase"], "draining", "{status}");
    let people = shop.for_people("status", &[]).output().await.unwrap();
    let people = String::from_utf8(people.stdout).unwrap();
    assert!(people.contains("going: odd") && !people.contains("replaced"), "{people}");
    start.child.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_makes_no_sense_is_refused() {
    let shop = Shop::new(STORY).await;
    let by = ["--owner", "ada", "--reason", "a look"];
    let hold = |nodes, time| [&[nodes][..], &by[..], &["--for", time][..]].concat();
    for (command, arguments, why) in [
        ("scale", vec!["db=1"], "no such fleet; the story has web"),
        ("scale", vec!["web=0"], "`terminate`"),
        ("scale", vec!["web"], "web=5"),
        ("hold", hold("web/0", "25h"), "24 hours"),
        ("hold", hold("web/0", "soon"), "1h 30m"),
        ("hold", hold("web/0", "3d"), "at most a day"),
        ("hold", hold("web/7", "1h"), "no such node; web has web/0 to web/1"),
        ("hold", hold("web/0", "1h"), "nothing was ever started"),
        ("release", vec!["web/0"], "nothing was ever started"),
        ("replace", vec!["web/0", "--reason", "old"], "nothing was ever started"),
        ("quarantine", vec!["web/0", "--reason", "old"], "nothing was ever started"),
        ("hold", vec!["web/0", "--owner", "ada", "--for", "1h"], "--reason"),
        ("replace", vec!["web/7", "--reason", "old"], "no such node"),
        ("pause", vec!["--owner", "ada"], "--reason"),
    ] {
        let refused = shop.run(command, &arguments).await.expect(2);
        assert!(refused.stderr.contains(why), "{command} {arguments:?}: {refused:?}");
    }
    assert_eq!(shop.sim.instances().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_takes_over_from_the_controller_and_replaces_what_is_of_another_image() {
    let shop = Shop::new(&production()).await;
    let mut start = shop.start(&[]);
    start.ready().await;
    let before: Vec<_> = shop.sim.running().into_iter().map(|instance| instance.id).collect();
    let story = format!("{}[fleet.health]\nperiod = '1s'\ntimeout = '500ms'\ndrain = '0s'\n", production());
    std::fs::write(shop.path("shop.toml"), story.replace("debian-12", "ubuntu-24.04")).unwrap();
    shop.run("update", &["--detach"]).await.expect(0);
    start.end().await.expect(0);
    let after: Vec<_> = shop.sim.running().into_iter().map(|instance| instance.id).collect();
    assert_eq!(after.len(), 2);
    assert!(after.iter().all(|id| !before.contains(id)), "{before:?} {after:?}");
    shop.run("terminate", &[]).await.expect(0);
    shop.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_that_is_unsound_updates_nothing() {
    let shop = Shop::new(STORY).await;
    let mut start = shop.start(&[]);
    start.ready().await;
    std::fs::write(
        shop.path("shop.toml"),
        STORY.replace("nodes = 2", "nodes = 3").replace("debian-12", "no-such-image"),
    )
    .unwrap();
    let refused = shop.run("update", &[]).await;
    assert!(matches!(refused.status.code(), Some(2 | 3)), "{refused:?}");
    assert_eq!(shop.alive(), 2, "the controller goes on");
    start.signal("INT");
    start.end().await.expect(0);
    shop.sim.assert_clean();
}
