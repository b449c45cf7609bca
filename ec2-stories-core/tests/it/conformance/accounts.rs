//! Account providers, and what nobody may read of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ec2_stories_core::account::{Chain, Environment, SecretFile, StaticAccount};
use ec2_stories_core::provider::AccountProvider;
use ec2_stories_core::{ErrorKind, SystemClock, conformance};
use tempfile::TempDir;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn environment(variables: &'static [(&'static str, &'static str)]) -> Environment {
    Environment::from_lookup(move |name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

fn secret_file(directory: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn toml(key: &str) -> String {
    format!("access_key_id = \"{key}\"\nsecret_access_key = \"{SECRET}\"\nregion = \"eu-west-1\"\n")
}

#[tokio::test]
async fn static_account() {
    let account = StaticAccount::new("AKIA1", SECRET, "eu-west-1").session_token("token-of-the-session");
    conformance::account_provider(&account, &SystemClock).await;
}

#[tokio::test]
async fn environment_variables() {
    let account = environment(&[
        ("AWS_ACCESS_KEY_ID", "AKIA1"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", ""),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ]);
    conformance::account_provider(&account, &SystemClock).await;
    assert!(account.credentials().await.unwrap().session_token.is_none(), "set to nothing is not set");

    let none = environment(&[("AWS_ACCESS_KEY_ID", "AKIA1"), ("AWS_SECRET_ACCESS_KEY", "")]);
    conformance::account_provider_without_credentials(&none).await;
    let why = none.credentials().await.unwrap_err().to_string();
    assert!(why.contains("AWS_SECRET_ACCESS_KEY"), "{why}");
}

#[tokio::test]
async fn secret_files_in_both_forms() {
    let directory = TempDir::new().unwrap();
    let account = SecretFile::at(secret_file(directory.path(), "account.toml", &toml("AKIA1"), 0o600));
    conformance::account_provider(&account, &SystemClock).await;
    let json = format!(
        r#"{{"access_key_id": "AKIA1", "secret_access_key": "{SECRET}", "session_token": "token", "region": "eu-west-1"}}"#
    );
    let account = SecretFile::at(secret_file(directory.path(), "account.json", &json, 0o400));
    conformance::account_provider(&account, &SystemClock).await;
}

#[tokio::test]
async fn a_secret_file_that_others_may_use_is_refused() {
    let directory = TempDir::new().unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o644, 0o777] {
        let path = secret_file(directory.path(), &format!("{mode:o}.toml"), &toml("AKIA1"), mode);
        let account = SecretFile::at(&path);
        let error = account.credentials().await.unwrap_err();
        assert!(error.kind() == ErrorKind::Io && error.is_permanent(), "{error:?}");
        let why = error.to_string();
        assert!(why.contains("chmod 600") && why.contains(path.to_str().unwrap()), "{why}");
    }
    conformance::account_provider_without_credentials(&SecretFile::at(directory.path().join("missing")))
        .await;
}

#[tokio::test]
async fn a_secret_file_that_is_wrong_is_not_quoted() {
    let directory = TempDir::new().unwrap();
    let wrong_toml = [
        format!("access_key_id = \"AKIA1\"\nsecret_access_key = {SECRET}"),
        format!("access_key_id = \"AKIA1\"\n\"{SECRET}\" = 1"),
        format!("access_key_id = \"AKIA1\"\nsecret_access_key = [\"{SECRET}\"]"),
        format!("access_key_id = \"AKIA1\"\nsecret_access_key = \"{SECRET}"),
    ];
    let wrong_json = [
        format!("{{\"access_key_id\": \"AKIA1\",\n\"{SECRET}\": 1}}"),
        format!("{{\"access_key_id\":\n[\"{SECRET}\"]}}"),
        format!("\n\"{SECRET}\""),
        format!("{{\"access_key_id\": \"AKIA1\",\n\"region\": {SECRET}"),
    ];
    let files =
        wrong_toml.iter().map(|text| ("toml", text)).chain(wrong_json.iter().map(|text| ("json", text)));
    for (index, (extension, text)) in files.enumerate() {
        let path = secret_file(directory.path(), &format!("{index}.{extension}"), text, 0o600);
        let error = SecretFile::at(path).credentials().await.unwrap_err();
        let shown = format!("{error} {error:?} {error:#?} {}", error.chain());
        assert!(!shown.contains("wJalrXUtnFEMI"), "{text}");
        assert!(shown.contains("line 2"), "{shown}");
    }
}

#[tokio::test]
async fn a_rotated_secret_file_is_picked_up_at_the_next_use() {
    let directory = TempDir::new().unwrap();
    let path = secret_file(directory.path(), "account.toml", &toml("AKIA1"), 0o600);
    let account = SecretFile::at(&path);
    assert_eq!(account.credentials().await.unwrap().access_key_id, "AKIA1");
    fs::write(&path, toml("AKIA2")).unwrap();
    assert_eq!(account.credentials().await.unwrap().access_key_id, "AKIA2");
}

#[tokio::test]
async fn a_chain_takes_the_first_that_has_credentials_and_says_why_the_others_had_none() {
    let directory = TempDir::new().unwrap();
    let nothing =
        || Chain::new().or(environment(&[])).or(SecretFile::at(directory.path().join("missing.toml")));
    conformance::account_provider_without_credentials(&nothing()).await;
    let why = nothing().credentials().await.unwrap_err().to_string();
    assert!(
        why.contains("environment: AWS_ACCESS_KEY_ID is not set") && why.contains("missing.toml"),
        "{why}"
    );

    let chain = nothing()
        .or(StaticAccount::new("AKIA1", SECRET, "eu-west-1"))
        .or(StaticAccount::new("AKIA2", "x", "us"));
    conformance::account_provider(&chain, &SystemClock).await;
    assert_eq!(chain.credentials().await.unwrap().access_key_id, "AKIA1");
    assert_eq!(chain.region().await.unwrap().as_str(), "eu-west-1");
}

#[tokio::test]
async fn a_chain_does_not_go_on_to_another_account_because_the_meant_one_is_unavailable() {
    let chain = Chain::new().or(Unavailable).or(StaticAccount::new("AKIA2", SECRET, "eu-west-1"));
    assert!(chain.credentials().await.unwrap_err().is_temporary());
}

#[tokio::test]
async fn a_chain_does_not_go_on_to_another_account_because_the_meant_ones_file_cannot_be_used() {
    let directory = TempDir::new().unwrap();
    let open = secret_file(directory.path(), "open.toml", &toml("AKIA1"), 0o644);
    let wrong = secret_file(directory.path(), "wrong.toml", "access_key_id = 1", 0o600);
    for path in [open, wrong, directory.path().to_owned()] {
        let chain =
            Chain::new().or(SecretFile::at(&path)).or(StaticAccount::new("AKIA2", SECRET, "eu-west-1"));
        let why = chain.credentials().await.unwrap_err().to_string();
        assert!(why.contains(path.to_str().unwrap()), "{why}");
        chain.region().await.unwrap_err();
    }
}

#[derive(Debug)]
struct Unavailable;

#[async_trait::async_trait]
impl AccountProvider for Unavailable {
    async fn credentials(&self) -> ec2_stories_core::Result<ec2_stories_core::model::Credentials> {
        Err(ec2_stories_core::Error::new(ErrorKind::Credentials, "no answer")
            .status(ec2_stories_core::Status::Temporary))
    }

    async fn region(&self) -> ec2_stories_core::Result<ec2_stories_core::model::Region> {
        Ok("us-east-1".into())
    }

    fn origin(&self) -> String {
        "a service that does not answer".to_owned()
    }
}
