//! Plain HTTP, against a server on a loopback address.

mod server;

use std::net::TcpListener;
use std::time::Duration;

use ec2_stories_core::ErrorKind;
use ec2_stories_s3::web::{Redirects, Web, WebBody, WebRequest};

use server::Site;

#[tokio::test]
async fn every_method_arrives_with_headers_and_content() {
    let site = Site::plain().await;
    let web = Web::new().unwrap();
    let at = |path: &str| format!("{}{path}", site.url);
    let reply = web.get(at("/a")).await.unwrap();
    assert_eq!((reply.status, reply.headers.get("x-site").map(String::as_str)), (200, Some("ours")));
    web.head(at("/a")).await.unwrap();
    assert_eq!(site.last().method, "HEAD");
    let reply = web.put(at("/a"), WebBody::Bytes(vec![0, 1, 255].into())).await.unwrap();
    assert_eq!(reply.body.as_ref(), [0, 1, 255]);
    web.delete(at("/a")).await.unwrap();
    assert_eq!(site.last().method, "DELETE");

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("content");
    std::fs::write(&path, vec![7; 300_000]).unwrap();
    let request = WebRequest::post(at("/a?x=1")).body(WebBody::File(path)).header("x-color", "blue");
    let request = request.secret_header("authorization", "Bearer hidden");
    assert!(!format!("{request:?}").contains("hidden"), "{request:?}");
    let copy = directory.path().join("copy");
    web.download(&request, &copy).await.unwrap();
    assert_eq!(std::fs::read(copy).unwrap(), vec![7; 300_000]);
    let seen = site.last();
    assert_eq!(
        (seen.headers["x-color"].as_bytes(), seen.headers["content-length"].as_bytes()),
        (&b"blue"[..], &b"300000"[..])
    );
    assert_eq!((seen.headers["authorization"].as_bytes(), seen.body.len()), (&b"Bearer hidden"[..], 300_000));
    let missing = WebRequest::put(at("/a")).body(WebBody::File(directory.path().join("missing")));
    assert_eq!(web.send(&missing).await.unwrap_err().kind(), ErrorKind::Io);
}

#[tokio::test]
async fn what_is_success_is_data() {
    let site = Site::plain().await;
    let web = Web::new().unwrap();
    let request =
        format!(r#"{{"method": "PUT", "url": "{}/status/409", "accept": "200-299, 409"}}"#, site.url);
    let mut request: WebRequest = serde_json::from_str(&request).unwrap();
    assert_eq!(web.send(&request).await.unwrap().status, 409);
    request.accept = "200-299".parse().unwrap();
    let error = web.send(&request).await.unwrap_err();
    assert_eq!((error.kind(), error.api_code()), (ErrorKind::Conflict, Some("409")), "{error:?}");
    let url = site.url.replace("://", "://steve:hidden@") + "/status/502?key=hidden";
    let error = web.send(&WebRequest::post(url)).await.unwrap_err();
    assert!(error.is_ambiguous(), "{error:?}");
    let text = format!("{error} {error:?}");
    assert!(text.contains("/status/502?…") && text.contains("wrong key"), "{text}");
    assert!(!text.contains("hidden") && !text.contains("steve"), "{text}");
    assert!(site.last().headers["authorization"].to_str().unwrap().starts_with("Basic "));
    let limited = Web::builder().most_bytes(8).build().unwrap();
    let error = limited.get(format!("{}/long/9", site.url)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
}

#[tokio::test]
async fn redirects_are_followed_and_carry_no_secret_elsewhere() {
    let (site, other) = (Site::plain().await, Site::plain().await);
    let web = Web::new().unwrap();
    let request = |to: &str| {
        let request = WebRequest::put(format!("{}/to/{to}", site.url)).text("content");
        request.secret_header("x-key", "hidden").header("x-color", "blue")
    };
    web.send(&request("/here")).await.unwrap();
    let seen = site.last();
    assert_eq!(
        (seen.path.as_str(), seen.method.as_str(), seen.body.as_ref()),
        ("/here", "PUT", &b"content"[..])
    );
    assert!(seen.headers.contains_key("x-key"));
    web.send(&request(&format!("{}/there", other.url))).await.unwrap();
    let seen = other.last();
    assert!(seen.headers.contains_key("x-color") && !seen.headers.contains_key("x-key"), "{seen:?}");
    let stay = request("/here").redirects(Redirects::Stay);
    assert_eq!(web.send(&stay).await.unwrap_err().api_code(), Some("307"));
    let stay = stay.accepting("307".parse().unwrap());
    assert_eq!(web.send(&stay).await.unwrap().headers["location"], "/here");
    let error = web.send(&request("/to//to//here").redirects(Redirects::Follow(1))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error:?}");
}

#[tokio::test]
async fn who_does_not_answer_is_given_up() {
    let site = Site::plain().await;
    let web = Web::new().unwrap();
    let never = WebRequest::get(format!("{}/never", site.url)).timeout(Duration::from_millis(50));
    let error = web.send(&never).await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Timeout, true), "{error:?}");
    let idle = Web::builder().idle_timeout(Duration::from_millis(50)).build().unwrap();
    let error = idle.put(format!("{}/never", site.url), WebBody::Text(String::new())).await.unwrap_err();
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Timeout, true), "{error:?}");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = format!("http://me:hidden@127.0.0.1:{port}/");
    let error = web.put(nobody, WebBody::Text(String::new())).await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Unavailable, true), "{error:?}");
    assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    let error = web.get("gopher://localhost").await.unwrap_err();
    assert_eq!(error.resource(), Some("url"));
}

#[tokio::test]
async fn a_site_is_trusted_by_its_root_and_not_without() {
    let site = Site::tls().await;
    let error = Web::new().unwrap().get(&site.url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.chain().contains("certificate"), "{}", error.chain());
    let web = Web::builder().roots(vec![site.root.clone().unwrap()]).build().unwrap();
    assert_eq!(web.put(&site.url, WebBody::Text("safe".to_owned())).await.unwrap().text(), "safe");
}
