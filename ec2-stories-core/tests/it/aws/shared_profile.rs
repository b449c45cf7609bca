use std::fs;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::account::SharedProfile;
use ec2_stories_core::provider::AccountProvider;
use secrecy::ExposeSecret;
use tempfile::TempDir;

fn profile(directory: &TempDir, name: &str) -> SharedProfile {
    SharedProfile::named(name)
        .config_file(directory.path().join("config"))
        .credentials_file(directory.path().join("credentials"))
}

fn files(config: &str, credentials: &str) -> TempDir {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("config"), config).unwrap();
    fs::write(directory.path().join("credentials"), credentials).unwrap();
    directory
}

fn keys(key: &str) -> String {
    format!("[staging]\naws_access_key_id = {key}\naws_secret_access_key = profile-secret\n")
}

#[tokio::test]
async fn a_profile_has_keys_and_a_region_and_rotation_is_picked_up() {
    let directory = files("[profile staging]\nregion = eu-north-1\n", &keys("AKIA1"));
    let account = profile(&directory, "staging");
    assert_eq!(account.credentials().await.unwrap().access_key_id, "AKIA1");
    assert_eq!(AccountProvider::region(&account).await.unwrap().as_str(), "eu-north-1");
    assert_eq!(
        AccountProvider::region(&account.clone().region("eu-west-3")).await.unwrap().as_str(),
        "eu-west-3"
    );
    fs::write(directory.path().join("credentials"), keys("AKIA2")).unwrap();
    assert_eq!(account.credentials().await.unwrap().access_key_id, "AKIA2");
}

#[tokio::test]
async fn an_external_process_is_run() {
    let script = r#"{"Version": 1, "AccessKeyId": "ASIA1", "SecretAccessKey": "s", "SessionToken": "t",
        "Expiration": "2099-01-01T00:00:00Z"}"#;
    let directory = files("", "");
    let reply = directory.path().join("reply.json");
    fs::write(&reply, script).unwrap();
    let config = format!("[profile vault]\ncredential_process = cat {}\n", reply.display());
    fs::write(directory.path().join("config"), config).unwrap();
    let credentials = profile(&directory, "vault").region("eu-west-1").credentials().await.unwrap();
    assert_eq!(credentials.access_key_id, "ASIA1");
    assert_eq!(credentials.session_token.unwrap().expose_secret(), "t");
    assert_eq!(credentials.expires_at, Some("2099-01-01T00:00:00Z".parse().unwrap()));
}

#[tokio::test]
async fn a_profile_that_is_missing_or_wrong_is_a_permanent_error_that_names_it() {
    let loops = "[profile a]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = b\n\
        [profile b]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = a\n";
    let directory = files(loops, &keys("AKIA1"));
    for name in ["missing", "a"] {
        let error = profile(&directory, name).region("eu-west-1").credentials().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(error.is_permanent() && error.to_string().contains(&format!("profile {name}")), "{error:?}");
    }
}
