//! A plain HTTP server on a loopback address.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers a request line, such as `GET / HTTP/1.1`, with a status and a body.
    pub(crate) async fn answering(
        answer: impl Fn(&str) -> (&'static str, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let log = requests.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                let (status, body) = answer(request.lines().next().unwrap());
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
                // Every imds token has this life; nobody else minds.
                let head =
                    format!("{head}x-aws-ec2-metadata-token-ttl-seconds: 21600\r\nconnection: close\r\n");
                log.lock().unwrap().push(request);
                stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        Self { url, requests }
    }

    /// The requests so far, heads and bodies.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> String {
    let (mut request, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "the request was cut off");
        request.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        let Some((head, sent)) = request.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        if sent.len() >= length.parse().unwrap() {
            return request;
        }
    }
}
