//! Keys, denied actions, temporary credentials.

use std::time::Duration;

use ec2_stories_sim::Sim;
use tokio::time::sleep;

use crate::form::{call, request, send};

async fn with_key(sim: &Sim, service: &str, key: &str, action: &str) -> crate::form::Reply {
    send(sim, request(service, "us-east-1", key, &[("Action", action)])).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_retired_key_is_refused() {
    let sim = Sim::builder().build();
    with_key(&sim, "ec2", "AKIAOLD", "DescribeRegions").await.ok();
    sim.accept_only("AKIANEW");
    let refused = with_key(&sim, "ec2", "AKIAOLD", "DescribeRegions").await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "AuthFailure"));
    let refused = with_key(&sim, "sts", "AKIAOLD", "GetCallerIdentity").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "InvalidClientTokenId"));
    with_key(&sim, "ec2", "AKIANEW", "DescribeRegions").await.ok();
    sim.accept_also("AKIAOLD");
    with_key(&sim, "ec2", "AKIAOLD", "DescribeRegions").await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_key_is_refused() {
    let sim = Sim::builder().build();
    let mut unsigned = request("ec2", "us-east-1", "x", &[("Action", "DescribeRegions")]);
    unsigned.headers_mut().clear();
    let refused = send(&sim, unsigned).await.unwrap();
    assert_eq!((refused.status, refused.code().as_str()), (403, "MissingAuthenticationToken"));
}

#[tokio::test(start_paused = true)]
async fn a_denied_action_is_unauthorized_in_a_dry_run_too() {
    let sim = Sim::builder().build();
    sim.deny("ec2:CreateSecurityGroup");
    let fields = [("GroupName", "web"), ("GroupDescription", "web"), ("DryRun", "true")];
    let denied = call(&sim, "CreateSecurityGroup", &fields).await;
    assert_eq!((denied.status, denied.code().as_str()), (403, "UnauthorizedOperation"));
    assert!(denied.one("Message").contains("is not authorized to perform: ec2:CreateSecurityGroup"));
    sim.allow("ec2:CreateSecurityGroup");
    assert_eq!(call(&sim, "CreateSecurityGroup", &fields).await.code(), "DryRunOperation");
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn an_assumed_role_works_until_it_expires() {
    let sim = Sim::builder().build();
    let fields = [
        ("Action", "AssumeRole"),
        ("RoleArn", "arn:aws:iam::123456789012:role/deployer"),
        ("RoleSessionName", "night"),
        ("DurationSeconds", "900"),
    ];
    let role = send(&sim, request("sts", "us-east-1", "AKIATEST", &fields)).await.unwrap().ok();
    let key = role.one("AccessKeyId");
    let identity = with_key(&sim, "sts", &key, "GetCallerIdentity").await.ok();
    assert_eq!(identity.one("Arn"), "arn:aws:sts::123456789012:assumed-role/deployer/night");
    with_key(&sim, "ec2", &key, "DescribeRegions").await.ok();
    sleep(Duration::from_secs(900)).await;
    let expired = with_key(&sim, "ec2", &key, "DescribeRegions").await;
    assert_eq!((expired.status, expired.code().as_str()), (400, "RequestExpired"));
    let expired = with_key(&sim, "sts", &key, "GetCallerIdentity").await;
    assert_eq!((expired.status, expired.code().as_str()), (403, "ExpiredToken"));
}

#[tokio::test(start_paused = true)]
async fn every_reply_carries_its_id_and_the_simulated_date() {
    let sim = Sim::builder().build();
    sleep(Duration::from_secs(86_400)).await;
    let good = call(&sim, "DescribeRegions", &[]).await.ok();
    assert_eq!(good.headers["x-amzn-requestid"], good.one("requestId"));
    assert!(good.headers["date"].to_str().unwrap().starts_with("Fri, 02 Jan 2026 00:00:00"));
    let bad = call(&sim, "Nonsense", &[]).await;
    assert_eq!(bad.headers["x-amzn-requestid"], bad.one("RequestID"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_simulated_is_refused_and_not_ignored() {
    let sim = Sim::builder().build();
    let unknown = call(&sim, "CreateVpc", &[]).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (400, "InvalidAction"));
    assert_eq!(call(&sim, "DescribeInstances", &[("Nonsense", "1")]).await.code(), "UnknownParameter");
    let filter = [("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")];
    assert_eq!(
        call(&sim, "DescribeInstances", &filter).await.one("Message"),
        "The filter 'nonsense' is invalid"
    );
    let mut old = request("ec2", "us-east-1", "k", &[("Action", "DescribeRegions")]);
    *old.body_mut() = "Action=DescribeRegions&Version=2010-01-01".into();
    assert_eq!(send(&sim, old).await.unwrap().code(), "NoSuchVersion");
}
