//! The listener, over real sockets and in real time.

use std::net::SocketAddr;

use ec2_stories_sim::{Fault, Sim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Everything that comes back for one GET until the peer closes the connection.
async fn get(addr: SocketAddr, region: &str, action: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!(
        "GET /?Action={action}&Version=2016-11-15 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/{region}/ec2/aws4_request, Signature=0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    // A reset is an error here; what came before it counts.
    let _ = stream.read_to_end(&mut reply).await;
    String::from_utf8(reply).unwrap()
}

#[tokio::test]
async fn the_region_comes_from_the_signature() {
    let sim = Sim::builder().time_scale(100.0).build();
    let listener = sim.listen(LOOPBACK).await.unwrap();
    let reply = get(listener.addr(), "eu-west-1", "DescribeAvailabilityZones").await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.contains("<zoneName>eu-west-1b</zoneName>"));
    assert!(reply.contains("\r\ndate: Thu, 01 Jan 2026 00:00:"), "{reply}");
    assert_eq!(reply.matches("date: ").count(), 1);
    listener.shutdown().await;
}

#[tokio::test]
async fn a_lost_reply_closes_the_connection_and_a_truncated_one_comes_short() {
    let sim = Sim::builder().build();
    let listener = sim.listen(LOOPBACK).await.unwrap();
    sim.faults().nth("*", 1, Fault::ReplyLostAfter).nth("*", 2, Fault::TruncatedReply);
    assert_eq!(get(listener.addr(), "us-east-1", "DescribeRegions").await, "");
    let reply = get(listener.addr(), "us-east-1", "DescribeRegions").await;
    assert!(
        reply.starts_with("HTTP/1.1 200 OK\r\n") && !reply.contains("</DescribeRegionsResponse>"),
        "{reply}"
    );
}

#[tokio::test]
async fn after_a_shutdown_nobody_answers() {
    let sim = Sim::builder().build();
    let listener = sim.listen(LOOPBACK).await.unwrap();
    let addr = listener.addr();
    assert_eq!(listener.url(), format!("http://{addr}"));
    listener.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());
}
