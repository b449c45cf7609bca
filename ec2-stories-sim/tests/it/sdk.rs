//! A real SDK on the in-process client: its retries, its clock, its view of broken connections.

use std::time::Duration;

use aws_sdk_sts::Client;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use ec2_stories_sim::{Fault, Sim};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn an_sdk_call_needs_no_socket() {
    let sim = Sim::builder().region("eu-west-1").account("111122223333").build();
    let identity = Client::new(&sim.sdk_config()).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some("111122223333"));
    assert!(identity.request_id().is_some());
    assert_eq!(sim.calls_log()[0].region, "eu-west-1");
}

#[tokio::test(start_paused = true)]
async fn the_sdk_retries_a_lost_reply_in_virtual_time() {
    let sim = Sim::builder().build();
    sim.faults().nth("*", 1, Fault::ReplyLostAfter).nth("*", 2, Fault::TruncatedReply);
    Client::new(&sim.sdk_config()).get_caller_identity().send().await.unwrap();
    assert_eq!(sim.calls().count("GetCallerIdentity"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_always_breaks_is_an_io_failure() {
    let sim = Sim::builder().build();
    sim.faults().always("*", Fault::ReplyLostBefore);
    let error = Client::new(&sim.sdk_config()).get_caller_identity().send().await.unwrap_err();
    assert!(matches!(&error, SdkError::DispatchFailure(failure) if failure.is_io()), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_reply_does_not_trip_the_stalled_stream_protection() {
    let sim = Sim::builder().build();
    sim.faults().always("*", Fault::Slow(Duration::from_secs(60)));
    let start = Instant::now();
    Client::new(&sim.sdk_config()).get_caller_identity().send().await.unwrap();
    assert!((60..70).contains(&start.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn temporary_credentials_expire_by_the_simulated_clock() {
    let sim = Sim::builder().build();
    let request = Client::new(&sim.sdk_config()).assume_role().role_arn("arn:aws:iam::123456789012:role/r");
    let role = request.role_session_name("s").send().await.unwrap();
    let expires = role.credentials().unwrap().expiration().secs();
    assert_eq!(expires - sim.now().as_second(), 3600);
    sim.accept_only("AKIANEXT");
    let error = Client::new(&sim.sdk_config()).get_caller_identity().send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidClientTokenId"));
}
