//! Keys, tokens, presigned URLs, other people's buckets.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::SharedCredentialsProvider;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use ec2_stories_sim::{ACCESS_KEY_ID, Sim};
use http::StatusCode;

use super::with_bucket;

fn signed_by(sim: &Sim, key: &str, secret: &str, token: Option<&str>) -> Client {
    let credentials = Credentials::new(key, secret, token.map(str::to_owned), None, "test");
    let config = sim.sdk_config().into_builder();
    Client::new(&config.credentials_provider(SharedCredentialsProvider::new(credentials)).build())
}

async fn put(client: &Client) -> Result<(), String> {
    let sent = client.put_object().bucket("web").key("k").body(ByteStream::from_static(b"1")).send().await;
    sent.map(|_| ()).map_err(|error| error.code().unwrap_or_default().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_signature_by_the_known_key_must_be_right_and_other_keys_are_good_until_retired() {
    let (sim, _) = with_bucket().await;
    let forged = signed_by(&sim, ACCESS_KEY_ID, "not-the-secret", None);
    assert_eq!(put(&forged).await, Err("SignatureDoesNotMatch".into()));
    let other = signed_by(&sim, "AKIAOTHER", "anything", None);
    assert_eq!(put(&other).await, Ok(()));
    sim.accept_only("AKIANEXT");
    assert_eq!(put(&other).await, Err("InvalidAccessKeyId".into()));
    assert_eq!(put(&signed_by(&sim, "AKIANEXT", "anything", None)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn temporary_credentials_need_their_token_and_expire() {
    let (sim, _) = with_bucket().await;
    let sts = aws_sdk_sts::Client::new(&sim.sdk_config());
    let role = sts.assume_role().role_arn("arn:aws:iam::123456789012:role/r").role_session_name("s");
    let role = role.duration_seconds(900).send().await.unwrap().credentials.unwrap();
    let token = Some(role.session_token());
    let client = signed_by(&sim, role.access_key_id(), role.secret_access_key(), token);
    assert_eq!(put(&client).await, Ok(()));
    let tokenless = signed_by(&sim, role.access_key_id(), role.secret_access_key(), None);
    assert_eq!(put(&tokenless).await, Err("InvalidToken".into()));
    tokio::time::sleep(Duration::from_secs(900)).await;
    assert_eq!(put(&client).await, Err("ExpiredToken".into()));
}

#[tokio::test(start_paused = true)]
async fn denied_actions_and_other_accounts() {
    let (sim, s3) = with_bucket().await;
    sim.deny("s3:PutObject");
    assert_eq!(put(&s3).await, Err("AccessDenied".into()));
    sim.allow("s3:PutObject");
    sim.add_foreign_bucket("theirs");
    let refused = s3.create_bucket().bucket("theirs").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("BucketAlreadyExists"));
    let refused = s3.list_objects_v2().bucket("theirs").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDenied"));
    let refused = s3.put_object().bucket("web").key("k").expected_bucket_owner("999999999999").send().await;
    assert_eq!(refused.unwrap_err().code(), Some("AccessDenied"));
}

#[tokio::test(start_paused = true)]
async fn a_presigned_address_works_until_it_expires_and_only_as_it_is() {
    let (sim, s3) = with_bucket().await;
    let hour =
        || PresigningConfig::builder().expires_in(Duration::from_secs(3600)).start_time(sim.now().into());
    let write = s3.put_object().bucket("web").key("a b/ü").presigned(hour().build().unwrap()).await.unwrap();
    let read = s3.get_object().bucket("web").key("a b/ü").presigned(hour().build().unwrap()).await.unwrap();
    let send = async |method: &str, uri: &str, body: &'static str| {
        let mut request = http::Request::builder().method(method).uri(uri).body(body.into()).unwrap();
        request.headers_mut().insert("content-length", body.len().into());
        sim.handle(request).await.unwrap()
    };
    let sent = send("PUT", write.uri(), "hello").await;
    assert_eq!(sent.status(), StatusCode::OK, "{:?}", sent.body());
    assert_eq!(send("GET", read.uri(), "").await.body(), "hello");
    let other = read.uri().replace("a%20b", "other");
    assert_ne!(other, read.uri());
    assert_eq!(send("GET", &other, "").await.status(), StatusCode::FORBIDDEN);
    tokio::time::sleep(Duration::from_secs(3601)).await;
    let late = send("GET", read.uri(), "").await;
    assert_eq!(late.status(), StatusCode::FORBIDDEN);
    assert!(String::from_utf8_lossy(late.body()).contains("Request has expired"));
}

#[tokio::test(start_paused = true)]
async fn nobody_reads_without_a_signature() {
    let (sim, _) = with_bucket().await;
    let request =
        http::Request::get("https://web.s3.us-east-1.amazonaws.com/k").body(Default::default()).unwrap();
    assert_eq!(sim.handle(request).await.unwrap().status(), StatusCode::FORBIDDEN);
}
