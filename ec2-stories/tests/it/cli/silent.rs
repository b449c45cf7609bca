//! A cloud that takes connections and never answers.

use futures::future::join_all;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

use super::{PATIENCE, STORY, ec2_stories};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_it_is_told_what_for() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let holds = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            open.push(stream);
        }
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.toml"), STORY).unwrap();
    let told = async |command: &str, more: &[&str], what: &str| {
        let mut process = ec2_stories(folder.path());
        process.arg(command).arg("shop.toml").args(["--state", command]).args(more);
        process.env("AWS_ENDPOINT_URL", &url).env("AWS_REGION", "us-east-1");
        process
            .env("AWS_ACCESS_KEY_ID", ec2_stories::sim::ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", "secret");
        let mut child = process.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let heard = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                said.push_str(&line);
                if line.contains(what) {
                    return true;
                }
            }
            false
        };
        let heard = tokio::time::timeout(PATIENCE, heard).await;
        assert_eq!(heard, Ok(true), "{command} never said {what:?}: {said}");
        child.kill().await.unwrap();
    };
    join_all([
        told("plan", &[], "what a start would find"),
        told("start", &[], "what there is to start from"),
        told("status", &[], "what is there"),
        told("ping", &[], "how the nodes are"),
        told("run", &["web", "--", "true"], "which nodes run"),
        told("copy", &["web/0:/srv/a", "a"], "which nodes run"),
        told("terminate", &[], "not all gone yet"),
    ])
    .await;
    holds.abort();
}
