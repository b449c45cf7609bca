//! What is refused, and with which exit code.

use super::{Ended, STORY, Shop, ec2_stories};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_story_is_shown_with_its_place() {
    let shop = Shop::new(&STORY.replace("nodes = 2", "nodse = 2")).await;
    let ended = shop.run("plan", &[]).await.expect(2);
    assert!(ended.stderr.contains("shop.toml:5:1: ") && ended.stderr.contains("nodse = 2"), "{ended:?}");
    assert_eq!(shop.sim.calls().total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_cannot_work_has_an_exit_code_of_its_own() {
    let shop = Shop::new(&format!("{STORY}instance_types = ['t9.huge']\n")).await;
    let plan = shop.run("plan", &[]).await.expect(3);
    assert!(plan.stdout.contains("fleet.web.instance_types"), "{plan:?}");
    shop.run("start", &["--detach"]).await.expect(3);
    assert_eq!(shop.sim.instances().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_beyond_this_machine_is_called_unasked() {
    let shop = Shop::new(STORY).await;
    let mut start = shop.command("start", &[]);
    start.env_remove("AWS_ENDPOINT_URL");
    let ended = Ended::of(start).await.expect(2);
    assert!(ended.stderr.contains("EC2_STORIES_LIVE=1"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_cloud_is_for_trying_a_story() {
    let shop = Shop::new(STORY).await;
    let plan = shop.run("plan", &["--cloud", "embedded"]).await.expect(0);
    assert!(plan.stderr.contains("ends with this process"), "{plan:?}");
    shop.run("status", &["--cloud", "embedded"]).await.expect(2);
    let mut start = shop.start(&["--cloud", "embedded"]);
    start.ready().await;
    start.signal("INT");
    start.end().await.expect(0);
    assert_eq!(shop.sim.calls().total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn help_tells_the_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let mut help = ec2_stories(folder.path());
    help.arg("--help");
    let help = Ended::of(help).await.expect(0);
    assert!(help.stdout.contains("130  interrupted"), "{help:?}");
    let mut nonsense = ec2_stories(folder.path());
    nonsense.arg("deploy");
    Ended::of(nonsense).await.expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_on_this_machine_sees_the_program_on_this_machine() {
    let shop = Shop::new(&format!("{STORY}firewall = [{{ tcp = 22, from = 'my-address' }}]\n")).await;
    shop.run("start", &["--detach"]).await.expect(0);
    let rules = shop.sim.calls_log();
    let rules = rules.iter().filter(|call| call.operation == "AuthorizeSecurityGroupIngress");
    assert!(rules.flat_map(|call| &call.params).any(|(_, value)| value == "127.0.0.1/32"));
    shop.run("terminate", &[]).await.expect(0);
    shop.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_asked_for_in_plain_words() {
    let shop = Shop::new(&STORY.replace("nodes = 2", "nodes = \"two\"")).await;
    let ended = shop.run("plan", &[]).await.expect(2);
    assert!(ended.stderr.contains("a whole number from 0 to 4294967295"), "{ended:?}");
    let error = ended.json();
    assert!(error["error"].as_str().is_some_and(|error| error.contains("shop.toml")), "{error}");
    assert_eq!(error["exit"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_for_programs_have_their_places() {
    let shop = Shop::new(&format!("{STORY}instance_types = ['t9.huge']\n")).await;
    let plan = shop.run("plan", &[]).await.expect(3).json();
    let findings = plan["findings"].as_array().unwrap();
    let about = findings.iter().find(|finding| finding["field"] == "fleet.web.instance_types").unwrap();
    let line = STORY.lines().count() + 1;
    assert_eq!((&about["line"], &about["column"]), (&line.into(), &18.into()), "{plan}");
}
