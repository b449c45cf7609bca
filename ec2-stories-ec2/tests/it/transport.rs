//! What lies below the API: connections and HTTP clients.

use std::net::TcpListener;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::config::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;
use ec2_stories_core::ErrorKind;
use ec2_stories_core::model::{FirewallPolicy, Source};
use ec2_stories_core::provider::{Firewall, InstanceDeployer};
use ec2_stories_ec2::Ec2;
use ec2_stories_sim::Sim;

use crate::support::{World, name, request, value};

#[tokio::test]
async fn a_refused_connection_did_nothing_and_its_error_holds_no_secret() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let credentials =
        Credentials::new("AKIAREFUSED", "the-secret-key", Some("the-token".to_owned()), None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(ec2_stories_core::aws::http_client())
        .build();
    let ec2 = Ec2::from_config(&config);
    let world = World::new().await;
    let error = ec2.launch(&request(&world.image, "t1", 1)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Unavailable, true), "{error:?}");
    for text in [error.to_string(), error.chain(), format!("{error:?}"), format!("{ec2:?}")] {
        assert!(!text.contains("the-secret-key") && !text.contains("the-token"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_own_address_is_asked_of_aws_over_the_configurations_client() {
    assert_eq!(std::env::var_os("EC2_STORIES_MY_ADDRESS"), None, "it would be taken instead of asking");
    let world = World::with(Sim::builder().build()).await;
    let policy = FirewallPolicy::builder().tcp(22, Source::MyAddress).build();
    world.ec2.converge(&name("shop"), &name("web"), None, &policy).await.unwrap();
    let params = world.last_params("AuthorizeSecurityGroupIngress");
    assert_eq!(value(&params, "IpPermissions.1.IpRanges.1.CidrIp"), Some("203.0.113.25/32"));
}
