//! The way from hosts to a Debian mirror: a proxy that forwards to this one machine and refuses everything else.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Authority;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{client, server};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a Debian system has that says nothing else.
const DEFAULT: &str = "http://deb.debian.org/debian";

/// The mirror of Debian that this machine's own apt has.
pub(super) fn of_this_machine() -> String {
    let apt = Path::new("/etc/apt");
    let parts =
        fs::read_dir(apt.join("sources.list.d")).into_iter().flatten().flatten().map(|entry| entry.path());
    let texts = parts.chain([apt.join("sources.list")]).filter_map(|file| fs::read_to_string(file).ok());
    texts.filter_map(|text| find(&text)).next().unwrap_or_else(|| DEFAULT.to_owned())
}

/// The first mirror of the main archive in a list of sources, of either format.
fn find(sources: &str) -> Option<String> {
    let lines =
        sources.lines().map(str::trim).filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"));
    let mut words = lines.flat_map(str::split_ascii_whitespace);
    let mirror =
        words.find(|word| word.starts_with("http://") && word.trim_end_matches('/').ends_with("/debian"))?;
    Some(mirror.trim_end_matches('/').to_owned())
}

/// Serves until dropped.
pub(super) async fn serve(socket: TcpListener, mirror: String) {
    let allowed = mirror.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned()).map(Arc::new);
    let mut open = JoinSet::new();
    loop {
        let Ok((stream, _)) = socket.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let allowed = allowed.clone();
        open.spawn(async move {
            let service = service_fn(move |request| answer(allowed.clone(), request));
            if let Err(error) =
                server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
            {
                tracing::debug!(%error, "connection to the mirror ended early");
            }
        });
        while open.try_join_next().is_some() {}
    }
}

type Reply = Response<Either<Incoming, Full<Bytes>>>;

async fn answer(allowed: Option<Arc<Authority>>, request: Request<Incoming>) -> Result<Reply, Infallible> {
    let asked = request.uri().authority().cloned();
    let refused = |status, why: String| {
        let mut reply = Response::new(Either::Right(Full::new(Bytes::from(why))));
        *reply.status_mut() = status;
        Ok(reply)
    };
    match (asked, allowed) {
        (Some(asked), Some(allowed)) if asked == *allowed => match forward(&allowed, request).await {
            Ok(reply) => Ok(reply.map(Either::Left)),
            Err(why) => refused(StatusCode::BAD_GATEWAY, why),
        },
        _ => refused(StatusCode::FORBIDDEN, "hosts reach the Debian mirror and nothing else\n".to_owned()),
    }
}

async fn forward(to: &Authority, mut request: Request<Incoming>) -> Result<Response<Incoming>, String> {
    let stream = TcpStream::connect((to.host(), to.port_u16().unwrap_or(80)))
        .await
        .map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|error| format!("{path}: {error}"))?;
    sender.send_request(request).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Empty};

    use super::*;

    #[test]
    fn the_mirror_is_found_in_both_formats() {
        let old = "# deb http://no.example/debian x main\ndeb [arch=amd64] http://a.example/debian/ bookworm main\n";
        assert_eq!(find(old).as_deref(), Some("http://a.example/debian"));
        let new =
            "Types: deb\nURIs: http://s.example/debian-security http://b.example/debian\nSuites: bookworm\n";
        assert_eq!(find(new).as_deref(), Some("http://b.example/debian"));
        assert_eq!(find("deb https://c.example/debian bookworm main\n"), None);
    }

    #[tokio::test]
    async fn nothing_but_the_mirror_can_be_reached() {
        let mirror = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = mirror.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = mirror.accept().await.unwrap();
            let service = service_fn(|request: Request<Incoming>| async move {
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(request.uri().to_string()))))
            });
            server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
                .unwrap();
        });
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = proxy.local_addr().unwrap();
        tokio::spawn(serve(proxy, format!("http://{address}/debian")));
        let get = async |uri: String| {
            let stream = TokioIo::new(TcpStream::connect(place).await.unwrap());
            let (mut sender, connection) = client::conn::http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            let reply =
                sender.send_request(Request::get(uri).body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
            let status = reply.status().as_u16();
            (status, reply.into_body().collect().await.unwrap().to_bytes())
        };
        let (status, body) = get(format!("http://{address}/debian/x.deb?y")).await;
        assert_eq!((status, &body[..]), (200, &b"/debian/x.deb?y"[..]));
        assert_eq!(get("http://127.0.0.2:1/debian/x.deb".to_owned()).await.0, 403);
        assert_eq!(get("/debian/x.deb".to_owned()).await.0, 403);
    }
}
