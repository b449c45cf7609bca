//! The metadata service, request by request and as real clients read it.

use std::time::Duration;

use aws_config::imds::Client;
use aws_config::provider_config::ProviderConfig;
use aws_smithy_async::rt::sleep::TokioSleep;
use bytes::Bytes;
use ec2_stories_sim::{Broken, Fault, Metadata, Sim};

use crate::form::{self, call, launch, until_running};

const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";

async fn ask(
    metadata: &Metadata,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<(u16, String), Broken> {
    let request = http::Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let reply = metadata.handle(request.body(Bytes::new()).unwrap()).await?;
    Ok((reply.status().as_u16(), String::from_utf8(reply.body().to_vec()).unwrap()))
}

async fn status(metadata: &Metadata, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    ask(metadata, method, path, headers).await.unwrap().0
}

async fn token(metadata: &Metadata, ttl: &str) -> String {
    let (status, token) = ask(metadata, "PUT", "/latest/api/token", &[(TTL, ttl)]).await.unwrap();
    assert_eq!(status, 200);
    token
}

/// A value under `/latest`, or nothing where the reply is 404.
async fn get(metadata: &Metadata, path: &str) -> Option<String> {
    let token = token(metadata, "60").await;
    let (status, body) = ask(metadata, "GET", &format!("/latest/{path}"), &[(TOKEN, &token)]).await.unwrap();
    assert!(matches!(status, 200 | 404), "{status} for {path}");
    (status == 200).then_some(body)
}

async fn one(sim: &Sim, more: &[(&str, &str)]) -> Metadata {
    let id = launch(sim, "1", more).await.ok().one("instanceId");
    until_running().await;
    sim.metadata(id)
}

const REQUIRED: (&str, &str) = ("MetadataOptions.HttpTokens", "required");

#[tokio::test(start_paused = true)]
async fn where_tokens_are_required_only_a_good_one_opens() {
    let sim = Sim::builder().build();
    let (ours, other) = (one(&sim, &[REQUIRED]).await, one(&sim, &[REQUIRED]).await);
    let path = "/latest/meta-data/instance-id";
    assert_eq!(status(&ours, "GET", path, &[]).await, 401);
    assert_eq!(status(&ours, "GET", path, &[(TOKEN, "made up")]).await, 401);
    let good = token(&ours, "21600").await;
    assert_eq!(
        ask(&ours, "GET", path, &[(TOKEN, &good)]).await.unwrap(),
        (200, ours.instance_id().to_owned())
    );
    assert_eq!(status(&other, "GET", path, &[(TOKEN, &good)]).await, 401);
    tokio::time::sleep(Duration::from_secs(21_600)).await;
    assert_eq!(status(&ours, "GET", path, &[(TOKEN, &good)]).await, 401);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_asked_for_as_the_service_wants_it() {
    let sim = Sim::builder().build();
    let metadata = one(&sim, &[REQUIRED]).await;
    let path = "/latest/api/token";
    assert_eq!(status(&metadata, "PUT", path, &[]).await, 400);
    for ttl in ["0", "21601", "an hour"] {
        assert_eq!(status(&metadata, "PUT", path, &[(TTL, ttl)]).await, 400, "{ttl}");
    }
    assert_eq!(status(&metadata, "PUT", path, &[(TTL, "60"), ("x-forwarded-for", "10.0.0.1")]).await, 403);
    assert_eq!(status(&metadata, "GET", path, &[]).await, 405);
    let good = token(&metadata, "60").await;
    assert_eq!(status(&metadata, "POST", "/latest/meta-data/mac", &[(TOKEN, &good)]).await, 405);
    assert_eq!(status(&metadata, "GET", "/latest/meta-data/nothing", &[(TOKEN, &good)]).await, 404);
}

#[tokio::test(start_paused = true)]
async fn the_first_version_works_where_tokens_are_optional_and_nothing_where_the_endpoint_is_off() {
    let sim = Sim::builder().build();
    let open = one(&sim, &[("MetadataOptions.HttpTokens", "optional")]).await;
    let path = "/latest/meta-data/instance-id";
    assert_eq!(status(&open, "GET", path, &[]).await, 200);
    assert_eq!(status(&open, "GET", path, &[(TOKEN, "made up")]).await, 401);
    let change = [("InstanceId", open.instance_id()), ("HttpEndpoint", "disabled")];
    call(&sim, "ModifyInstanceMetadataOptions", &change).await.ok();
    assert_eq!(status(&open, "GET", path, &[]).await, 403);
    assert_eq!(status(&open, "PUT", "/latest/api/token", &[(TTL, "60")]).await, 403);
}

#[tokio::test(start_paused = true)]
async fn a_token_does_not_travel_farther_than_the_hop_limit() {
    let sim = Sim::builder().build();
    let near = one(&sim, &[REQUIRED, ("MetadataOptions.HttpPutResponseHopLimit", "1")]).await;
    let container = near.clone().hops(2);
    let lost = ask(&container, "PUT", "/latest/api/token", &[(TTL, "60")]);
    assert!(tokio::time::timeout(Duration::from_secs(3600), lost).await.is_err());
    let change = [("InstanceId", near.instance_id()), ("HttpPutResponseHopLimit", "2")];
    call(&sim, "ModifyInstanceMetadataOptions", &change).await.ok();
    token(&container, "60").await;
}

#[tokio::test(start_paused = true)]
async fn the_tree_says_what_a_describe_says() {
    let sim = Sim::builder().region("eu-west-1").build();
    sim.add_instance_profile("web-role");
    let send = async |action: &str, fields: &[(&str, &str)]| {
        let fields = [&[("Action", action)], fields].concat();
        form::send(&sim, form::request("ec2", "eu-west-1", "AKIATEST", &fields)).await.unwrap().ok()
    };
    send("CreateKeyPair", &[("KeyName", "my-key"), ("KeyType", "ed25519")]).await;
    let image = sim.add_image(ec2_stories_sim::ImageSeed::builder().name("web").build());
    let fields = [
        ("ImageId", image.as_str()),
        ("InstanceType", "t3.micro"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
        ("KeyName", "my-key"),
        ("UserData", "H4sIAP8="),
        ("IamInstanceProfile.Name", "web-role"),
    ];
    let id = send("RunInstances", &fields).await.one("instanceId");
    until_running().await;
    let (metadata, seen) = (sim.metadata(&id), sim.instance(&id).unwrap());
    let value = async |path: &str| get(&metadata, path).await.unwrap_or_else(|| panic!("no {path}"));
    assert_eq!(value("meta-data/ami-id").await, seen.image_id);
    assert_eq!(value("meta-data/local-ipv4").await, seen.private_ip.unwrap().to_string());
    assert_eq!(value("meta-data/public-ipv4").await, seen.public_ip.unwrap().to_string());
    assert_eq!(value("meta-data/placement/availability-zone").await, seen.zone);
    assert_eq!(value("meta-data/public-keys/").await, "0=my-key");
    assert!(value("meta-data/public-keys/0/openssh-key").await.ends_with(" my-key\n"));
    let mac = value("meta-data/mac").await;
    assert_eq!(value("meta-data/network/interfaces/macs/").await, format!("{mac}/"));
    assert_eq!(
        value(&format!("meta-data/network/interfaces/macs/{mac}/vpc-ipv4-cidr-block")).await,
        "172.31.0.0/16"
    );
    assert_eq!(value("meta-data/iam/security-credentials/").await, "web-role");
    let document: serde_json::Value =
        serde_json::from_str(&value("dynamic/instance-identity/document").await).unwrap();
    assert_eq!(
        (document["region"].as_str(), document["instanceId"].as_str()),
        (Some("eu-west-1"), Some(&*id))
    );
    assert_eq!(value("").await, "dynamic\nmeta-data\nuser-data");
    let token = token(&metadata, "60").await;
    let raw = http::Request::get("/latest/user-data").header(TOKEN, token).body(Bytes::new()).unwrap();
    assert_eq!(metadata.handle(raw).await.unwrap().body().as_ref(), [0x1f, 0x8b, 8, 0, 0xff]);
}

#[tokio::test(start_paused = true)]
async fn credentials_of_the_role_sign_calls_until_they_expire() {
    let sim = Sim::builder().build();
    sim.add_instance_profile("web-role");
    let metadata = one(&sim, &[("IamInstanceProfile.Name", "web-role")]).await;
    let text = get(&metadata, "meta-data/iam/security-credentials/web-role").await.unwrap();
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let key = found["AccessKeyId"].as_str().unwrap();
    let who = || form::request("sts", "us-east-1", key, &[("Action", "GetCallerIdentity")]);
    let arn = form::send(&sim, who()).await.unwrap().ok().one("Arn");
    assert_eq!(arn, format!("arn:aws:sts::123456789012:assumed-role/web-role/{}", metadata.instance_id()));
    tokio::time::sleep(Duration::from_secs(6 * 3600)).await;
    assert_eq!(form::send(&sim, who()).await.unwrap().code(), "ExpiredToken");
    let later = get(&metadata, "meta-data/iam/security-credentials/web-role").await.unwrap();
    assert!(!later.contains(key));
}

#[tokio::test(start_paused = true)]
async fn what_changes_shows_at_once() {
    let sim = Sim::builder().build();
    let spot = ("InstanceMarketOptions.MarketType", "spot");
    let metadata = one(&sim, &[spot, ("MetadataOptions.InstanceMetadataTags", "enabled")]).await;
    let id = metadata.instance_id();
    assert_eq!(get(&metadata, "meta-data/spot/instance-action").await, None);
    assert_eq!(get(&metadata, "meta-data/tags/instance/Name").await, None);
    assert_eq!(get(&metadata, "user-data").await, None);
    let tag = [("ResourceId.1", id), ("Tag.1.Key", "Name"), ("Tag.1.Value", "web")];
    call(&sim, "CreateTags", &tag).await.ok();
    assert_eq!(get(&metadata, "meta-data/tags/instance").await.as_deref(), Some("Name"));
    assert_eq!(get(&metadata, "meta-data/tags/instance/Name").await.as_deref(), Some("web"));
    assert!(sim.interrupt_spot(id));
    let notice = get(&metadata, "meta-data/spot/instance-action").await.unwrap();
    assert!(notice.starts_with(r#"{"action":"terminate","time":"2026-01-01T00:02:"#), "{notice}");
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(matches!(ask(&metadata, "GET", "/", &[]).await, Err(Broken::Reset)));
}

#[tokio::test(start_paused = true)]
async fn tags_stay_hidden_unless_the_options_show_them() {
    let sim = Sim::builder().build();
    let tag = [
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "Name"),
        ("TagSpecification.1.Tag.1.Value", "web"),
    ];
    let metadata = one(&sim, &tag).await;
    assert_eq!(get(&metadata, "meta-data/tags/instance").await, None);
}

#[tokio::test(start_paused = true)]
async fn tags_that_are_shown_are_the_newest_and_their_keys_fit_a_path() {
    let sim = Sim::builder().build();
    let shown = ("MetadataOptions.InstanceMetadataTags", "enabled");
    let metadata = one(&sim, &[shown]).await;
    let id = metadata.instance_id().to_owned();
    let tag = async |key, value| {
        call(&sim, "CreateTags", &[("ResourceId.1", &*id), ("Tag.1.Key", key), ("Tag.1.Value", value)]).await
    };
    let path = "meta-data/tags/instance/ec2-stories:expires";
    for at in ["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"] {
        tag("ec2-stories:expires", at).await.ok();
        assert_eq!(get(&metadata, path).await.as_deref(), Some(at));
    }
    assert_eq!(tag("cost center", "7").await.code(), "InvalidParameterValue");
    let spaced = [
        shown,
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "a/b"),
        ("TagSpecification.1.Tag.1.Value", "c"),
    ];
    assert_eq!(launch(&sim, "1", &spaced).await.code(), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn scheduled_events_are_told_until_they_are_over() {
    let sim = Sim::builder().build();
    let metadata = one(&sim, &[]).await;
    let (scheduled, history) =
        ("meta-data/events/maintenance/scheduled", "meta-data/events/maintenance/history");
    assert_eq!(get(&metadata, scheduled).await.as_deref(), Some("[]"));
    let hour = Duration::from_secs(3600);
    let id = sim.schedule_event(metadata.instance_id(), "instance-reboot", hour).unwrap();
    let told = get(&metadata, scheduled).await.unwrap();
    for part in [id.as_str(), "\"instance-reboot\"", "\"active\"", "01 Jan 2026 01:00:4"] {
        assert!(told.contains(part), "no {part} in {told}");
    }
    tokio::time::sleep(hour).await;
    assert_eq!(get(&metadata, scheduled).await.as_deref(), Some("[]"));
    assert!(get(&metadata, history).await.unwrap().contains("[Completed]"));
    assert_eq!(sim.instance(metadata.instance_id()).unwrap().reboots, 1);
}

#[tokio::test(start_paused = true)]
async fn faults_strike_it_by_its_own_name_only() {
    let sim = Sim::builder().build();
    let metadata = one(&sim, &[("MetadataOptions.HttpTokens", "optional")]).await;
    sim.faults().nth("*", 2, Fault::Throttle).nth("imds", 1, Fault::Throttle).nth(
        "imds",
        2,
        Fault::ReplyLostBefore,
    );
    assert_eq!(status(&metadata, "GET", "/", &[]).await, 503);
    assert!(ask(&metadata, "GET", "/", &[]).await.is_err());
    assert_eq!(status(&metadata, "GET", "/", &[]).await, 200);
    call(&sim, "DescribeRegions", &[]).await.ok();
    assert_eq!(call(&sim, "DescribeRegions", &[]).await.code(), "RequestLimitExceeded");
}

#[tokio::test]
async fn the_sdks_client_reads_it_on_loopback() {
    let sim = Sim::builder().latency(ec2_stories_sim::Latencies::none()).build();
    let id = launch(&sim, "1", &[REQUIRED]).await.ok().one("instanceId");
    let listener = sim.metadata(&id).listen().await.unwrap();
    sim.faults().nth("imds", 2, Fault::Throttle);
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = ProviderConfig::without_region().with_http_client(http).with_sleep_impl(TokioSleep::new());
    let client = Client::builder().configure(&config).endpoint(listener.url()).unwrap().build();
    let found = client.get("/latest/meta-data/instance-id").await.unwrap();
    assert_eq!(found.as_ref(), id);
    assert!(client.get("/latest/user-data").await.is_err());
}
