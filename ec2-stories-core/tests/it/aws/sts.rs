//! An STS on a loopback address that grants every role, or refuses all.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The secrets that it grants.
pub(crate) const SECRET: &str = "granted+SecretAccessKey/EXAMPLE";
pub(crate) const TOKEN: &str = "granted+SessionToken/EXAMPLE";

pub(crate) struct Sts {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Sts {
    /// Grants sessions that end at this time.
    pub(crate) async fn granting(expiration: &str) -> Self {
        Self::answering(
            "200 OK",
            format!(
                r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
                <AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>
                <Credentials><AccessKeyId>ASIAGRANTED</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>
                <SessionToken>{TOKEN}</SessionToken><Expiration>{expiration}</Expiration></Credentials>
                </AssumeRoleResult></AssumeRoleResponse>"#
            ),
        )
        .await
    }

    /// Answers GetCallerIdentity.
    pub(crate) async fn identifying() -> Self {
        let body = r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
            <GetCallerIdentityResult><Account>210987654321</Account></GetCallerIdentityResult>
            </GetCallerIdentityResponse>"#;
        Self::answering("200 OK", body.to_owned()).await
    }

    /// Refuses every role.
    pub(crate) async fn refusing() -> Self {
        let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
            <Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";
        Self::answering("403 Forbidden", body.to_owned()).await
    }

    async fn answering(status: &'static str, body: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let log = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let request = exchange(stream, status, &body).await;
                log.lock().unwrap().push(request);
            }
        });
        Self { url, requests }
    }

    /// The requests so far, heads and bodies.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn exchange(mut stream: TcpStream, status: &str, body: &str) -> String {
    let (mut request, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "the request was cut off");
        request.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        let Some((head, sent)) = request.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if sent.len() >= length.parse().unwrap() {
            break;
        }
    }
    let length = body.len();
    let reply = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(reply.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    request
}
