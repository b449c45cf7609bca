use ec2_stories_core::account::{DefaultChain, InstanceRole};
use ec2_stories_core::provider::AccountProvider;
use ec2_stories_core::{SystemClock, conformance};

use super::child;
use super::server::Server;

fn metadata(request: &str) -> (&'static str, String) {
    let role = r#"{"Code": "Success", "AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "secret-of-the-role",
        "Token": "token-of-the-role", "Expiration": "2099-01-01T00:00:00Z", "LastUpdated": "2026-01-01T00:00:00Z"}"#;
    let path = request.split(' ').nth(1).unwrap();
    let body = match path {
        "/latest/api/token" => "imds-token",
        "/latest/meta-data/placement/region" => "eu-south-2",
        _ if path.trim_end_matches('/').ends_with("/deployer") => role,
        _ if path.contains("security-credentials") => "deployer",
        _ => return ("404 Not Found", String::new()),
    };
    ("200 OK", body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_has_the_role_and_region_that_its_metadata_says() {
    const TEST: &str = "aws::instance_role::an_instance_has_the_role_and_region_that_its_metadata_says";
    let check = async |account: &dyn AccountProvider, key: &str, region: &str| {
        assert_eq!(account.credentials().await.unwrap().access_key_id, key);
        assert_eq!(account.region().await.unwrap().as_str(), region);
    };
    match child::part().as_deref() {
        Some("role") => {
            conformance::account_provider(&InstanceRole::new(), &SystemClock).await;
            check(&InstanceRole::new(), "ASIAINSTANCE", "eu-south-2").await;
            check(&DefaultChain::new(), "ASIAINSTANCE", "eu-south-2").await;
        }
        Some("environment comes first") => {
            check(&DefaultChain::new(), "AKIAENV", "eu-west-2").await;
            check(&DefaultChain::new().region("us-east-1"), "AKIAENV", "us-east-1").await;
        }
        Some("no role") => {
            conformance::account_provider_without_credentials(&DefaultChain::new().region("us-east-1")).await;
        }
        Some(other) => panic!("no such part: {other}"),
        None => {
            let server = Server::answering(metadata).await;
            let imds = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url.as_str());
            child::run(TEST, "role", &[imds]).await;
            assert!(server.requests().iter().any(|request| request.contains("imds-token")), "IMDSv2 is used");
            let environment = [
                ("AWS_ACCESS_KEY_ID", "AKIAENV"),
                ("AWS_SECRET_ACCESS_KEY", "secret-of-the-environment"),
                ("AWS_REGION", "eu-west-2"),
                imds,
            ];
            child::run(TEST, "environment comes first", &environment).await;
            child::run(TEST, "no role", &[("AWS_EC2_METADATA_DISABLED", "true")]).await;
        }
    }
}
