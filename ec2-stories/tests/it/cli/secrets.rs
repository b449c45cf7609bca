//! A secret is nowhere: not in what is printed, logged at the finest, or written down.

use std::path::Path;

use super::{STORY, Shop};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "FwoGZXIvYXdzEXAMPLESESSIONTOKEN";

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_output_no_log_and_no_file() {
    let mut shop = Shop::new(STORY).await;
    for (key, value) in
        [("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", TOKEN), ("EC2_STORIES_LOG", "trace")]
    {
        shop.variables.push((key.to_owned(), value.to_owned()));
    }
    let mut texts = Vec::new();
    for (command, more) in
        [("plan", &[][..]), ("start", &["--detach"][..]), ("status", &[][..]), ("ping", &[][..])]
    {
        let ended = shop.run(command, more).await.expect(0);
        texts.push((command.to_owned(), format!("{}\n{}", ended.stdout, ended.stderr)));
    }
    files(&shop.path(".ec2-stories"), &mut texts);
    assert!(texts.len() > 4, "the journal was searched");
    shop.sim.deny("ec2:DescribeInstances");
    let refused = shop.run("status", &[]).await.expect(1);
    texts.push(("a refused status".to_owned(), refused.stderr));
    shop.sim.allow("ec2:DescribeInstances");
    shop.run("terminate", &[]).await.expect(0);

    assert!(texts.iter().any(|(_, text)| text.contains("TRACE")), "the log is on");
    for (whose, text) in &texts {
        for secret in [SECRET, TOKEN, "K7MDENG", "EXAMPLESESSION"] {
            let line = text.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{whose} shows a secret: {line:?}");
        }
    }
}

fn files(folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, texts);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            texts.push((path.display().to_string(), text));
        }
    }
}
