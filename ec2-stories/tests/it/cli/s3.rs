//! `ec2-stories s3`, on the simulation.

use std::process::Stdio;

use ec2_stories::S3;
use ec2_stories::s3::{Bucket, BucketSpec};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{Ended, STORY, Shop, ec2_stories};

fn s3(shop: &Shop, arguments: &[&str]) -> Command {
    let mut process = ec2_stories(shop.folder.path());
    process.arg("s3").args(arguments);
    process.env("AWS_REGION", "us-east-1").envs(shop.variables.iter().cloned());
    process.env("AWS_SECRET_ACCESS_KEY", SECRET).env("AWS_ENDPOINT_URL", shop.cloud.url());
    process
}

/// The simulation compares signatures of requests to S3.
const SECRET: &str = "simulated-secret-access-key";

async fn bucket(shop: &Shop) -> Bucket {
    let s3 = S3::from_config(&shop.sim.sdk_config());
    s3.create_bucket(&BucketSpec::builder().name("shelf").build().unwrap()).await.unwrap().bucket
}

fn lines(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_there_and_back_and_away() {
    let shop = Shop::new(STORY).await;
    let bucket = bucket(&shop).await;
    let content: Vec<u8> =
        (0..9_000_001_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(shop.path("disk image"), &content).unwrap();
    let put = Ended::of(s3(&shop, &["put", "disk image", "s3://shelf/images/", "--json"])).await.expect(0);
    let put = &lines(&put)[0];
    assert_eq!((&put["key"], &put["bytes"]), (&"images/disk image".into(), &9_000_001.into()));
    let again = Ended::of(s3(&shop, &["put", "disk image", "s3://shelf/images/"])).await.expect(0);
    assert!(again.stdout.contains("was there already"), "{again:?}");
    Ended::of(s3(&shop, &["put", "shop.toml", "s3://shelf/images/disk image", "--create-only"]))
        .await
        .expect(1);

    let get =
        Ended::of(s3(&shop, &["get", "s3://shelf/images/disk image", "copy", "--json"])).await.expect(0);
    assert_eq!(lines(&get)[0]["crc64nvme"], put["crc64nvme"]);
    assert!(std::fs::read(shop.path("copy")).unwrap() == content, "the bytes differ");
    Ended::of(s3(&shop, &["get", "s3://shelf/nothing", "copy"])).await.expect(1);
    let nowhere = Ended::of(s3(&shop, &["get", "s3://shelves/nothing", "copy"])).await.expect(1);
    assert!(nowhere.stderr.contains("no bucket s3://shelves"), "{nowhere:?}");

    let ls = Ended::of(s3(&shop, &["ls", "s3://shelf", "--json"])).await.expect(0);
    assert_eq!(lines(&ls)[0]["prefix"], "images/");
    let ls = Ended::of(s3(&shop, &["ls", "-r", "s3://shelf"])).await.expect(0);
    assert!(ls.stdout.contains("9000001") && ls.stdout.contains("s3://shelf/images/disk image"), "{ls:?}");
    let ls = Ended::of(s3(&shop, &["ls"])).await.expect(0);
    assert_eq!(ls.stdout, "s3://shelf\n");

    let rm = Ended::of(s3(&shop, &["rm", "-r", "s3://shelf/images/", "--json"])).await.expect(0);
    assert_eq!(lines(&rm)[0]["removed"], 1);
    assert_eq!(bucket.head("images/disk image").await.unwrap(), None);
    let gc = Ended::of(s3(&shop, &["gc", "s3://shelf", "--older-than", "0s"])).await.expect(0);
    assert_eq!(gc.stdout, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_is_an_object() {
    let shop = Shop::new(STORY).await;
    bucket(&shop).await;
    let mut put = s3(&shop, &["put", "-", "s3://shelf/piped"]);
    let mut put = put.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = put.stdin.take().unwrap();
    input.write_all(b"through a pipe").await.unwrap();
    drop(input);
    assert!(put.wait().await.unwrap().success());
    let get = Ended::of(s3(&shop, &["get", "s3://shelf/piped", "-"])).await.expect(0);
    assert_eq!(get.stdout, "through a pipe");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_or_beyond_this_machine_is_refused() {
    let shop = Shop::new(STORY).await;
    for wrong in [
        &["get", "s3://shelf"][..],
        &["get", "shelf/key"],
        &["put", "-", "s3://shelf/"],
        &["rm", "s3://shelf"],
        &["put", ".", "s3://shelf/folder"],
        &["ls", "--endpoint", "foo"],
    ] {
        Ended::of(s3(&shop, wrong)).await.expect(2);
    }
    let away = ["ls", "--endpoint", "https://s3.example.org"];
    let ended = Ended::of(s3(&shop, &away)).await.expect(2);
    assert!(ended.stderr.contains("EC2_STORIES_LIVE=1"), "{ended:?}");
    let mut unset = s3(&shop, &["ls"]);
    unset.env_remove("AWS_ENDPOINT_URL");
    Ended::of(unset).await.expect(2);
    let mut given = s3(&shop, &["ls", "--endpoint", &shop.cloud.url()]);
    given.env_remove("AWS_ENDPOINT_URL");
    Ended::of(given).await.expect(0);
}
