use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::account::{AssumedRole, Environment, StaticAccount};
use ec2_stories_core::provider::AccountProvider;
use ec2_stories_core::{Clock, ErrorKind, TokioClock};

use super::{child, sts};

const ROLE: &str = "arn:aws:iam::210987654321:role/deployer";

fn clock() -> Arc<dyn Clock> {
    Arc::new(TokioClock::starting_at("2026-01-01T00:00:00Z".parse().unwrap()))
}

fn role() -> AssumedRole {
    AssumedRole::new(Arc::new(StaticAccount::new("AKIABASE", "base-secret", "eu-west-1")), ROLE)
}

#[tokio::test]
async fn a_role_is_assumed_once_for_all_who_ask_together() {
    let sts = sts::granting("2026-01-01T01:00:00Z").await;
    let role = role()
        .session_name("ci-run-7")
        .external_id("partner")
        .duration(Duration::from_secs(3600))
        .endpoint_url(&sts.url)
        .clock(clock());
    for _ in 0..3 {
        let credentials = role.credentials().await.unwrap();
        assert_eq!(credentials.access_key_id, "ASIAGRANTED");
        assert_eq!(credentials.expires_at, Some("2026-01-01T01:00:00Z".parse().unwrap()));
        assert!(credentials.session_token.is_some());
    }
    let [request] = &sts.requests()[..] else { panic!("{:?}", sts.requests()) };
    for part in
        ["Action=AssumeRole", "RoleSessionName=ci-run-7", "ExternalId=partner", "DurationSeconds=3600"]
    {
        assert!(request.contains(part), "{request}");
    }
    assert!(request.contains("role%2Fdeployer"), "{request}");
    assert_eq!(AccountProvider::region(&role).await.unwrap().as_str(), "eu-west-1");
}

#[tokio::test]
async fn a_session_that_ends_within_five_minutes_is_renewed() {
    let sts = sts::granting("2026-01-01T00:04:00Z").await;
    let role = role().endpoint_url(&sts.url).clock(clock());
    for _ in 0..2 {
        role.credentials().await.unwrap();
    }
    assert_eq!(sts.requests().len(), 2);
}

#[tokio::test]
async fn a_session_that_may_have_been_revoked_is_not_handed_out_again() {
    let sts = sts::granting("2026-01-01T01:00:00Z").await;
    let role = role().endpoint_url(&sts.url).clock(clock());
    role.credentials().await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(60)).await;
    tokio::time::resume();
    role.credentials().await.unwrap();
    assert_eq!(sts.requests().len(), 2);
}

#[tokio::test]
async fn a_base_without_a_region_borrows_the_one_that_was_set() {
    let base = Environment::from_lookup(|name| (!name.ends_with("REGION")).then(|| "x".to_owned()));
    let sts = sts::granting("2026-01-01T01:00:00Z").await;
    let role = || AssumedRole::new(Arc::new(base.clone()), ROLE).endpoint_url(&sts.url).clock(clock());
    assert!(role().credentials().await.unwrap_err().is_permanent());
    role().region("eu-west-2").credentials().await.unwrap();
    assert!(sts.requests()[0].contains("/eu-west-2/sts/"), "{:?}", sts.requests());
}

#[tokio::test]
async fn a_refusal_is_permanent_and_an_sts_that_does_not_answer_is_temporary() {
    let sts = sts::refusing().await;
    let error = role().endpoint_url(&sts.url).clock(clock()).credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert!(error.is_permanent() && error.chain().contains("not authorized"), "{error:?}");
    assert!(error.to_string().contains(ROLE), "{error}");

    // Port 9 is nobody's on a loopback address: the connection is refused.
    let error = role().endpoint_url("http://127.0.0.1:9").clock(clock()).credentials().await.unwrap_err();
    assert!(error.is_temporary(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_come_from_the_environment_unless_one_is_set() {
    const TEST: &str = "aws::assumed_role::endpoints_come_from_the_environment_unless_one_is_set";
    if let Some(endpoint) = child::part() {
        let role = if endpoint.is_empty() { role() } else { role().endpoint_url(endpoint) };
        let credentials = role.clock(clock()).credentials().await.unwrap();
        assert_eq!(credentials.access_key_id, "ASIAGRANTED");
        return;
    }
    let sts = sts::granting("2026-01-01T01:00:00Z").await;
    let (of_all, of_sts) = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS");
    let (here, nowhere) = (sts.url.as_str(), "http://127.0.0.1:9");
    child::run(TEST, "", &[(of_all, nowhere), (of_sts, here)]).await;
    assert_eq!(sts.requests().len(), 1);
    child::run(TEST, "", &[(of_all, here)]).await;
    assert_eq!(sts.requests().len(), 2);
    child::run(TEST, here, &[(of_all, nowhere), (of_sts, nowhere)]).await;
    assert_eq!(sts.requests().len(), 3);
}
