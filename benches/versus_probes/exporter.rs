//! Prometheus' exporter of probes, and who asks it.

use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::process::{Figure, cpu, memory};
use crate::targets::address;
use crate::{Kind, Outcome, Settings};

const PROGRAM: &str = "prometheus-blackbox-exporter";
/// It looks for IPv6 addresses first where it is not told.
const SETTINGS: &str = "\
modules:
  http: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}
  tcp: {prober: tcp, timeout: 5s, tcp: {preferred_ip_protocol: ip4}}
";
/// Connections that ask it: enough to keep two cores busy.
const ASKERS: u32 = 16;
const WARM_UP: Duration = Duration::from_secs(1);

/// Its process; it ends when this is dropped.
pub(crate) struct Exporter {
    port: u16,
    process: Child,
    _folder: TempDir,
}

impl Exporter {
    pub(crate) async fn start() -> Outcome<Self> {
        install()?;
        let folder = tempfile::tempdir()?;
        let settings = folder.path().join("blackbox.yml");
        std::fs::write(&settings, SETTINGS)?;
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let mut command = Command::new(PROGRAM);
        command.arg(format!("--config.file={}", settings.display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}")).arg("--log.level=error");
        let exporter = Self { port, process: command.kill_on_drop(true).spawn()?, _folder: folder };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(exporter);
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err(format!("{PROGRAM} does not listen").into())
    }

    /// Has it probe these targets, one after the other, from the first on again.
    pub(crate) async fn measured(
        &self,
        kind: Kind,
        targets: u32,
        port: u16,
        settings: Settings,
    ) -> Outcome<Figure> {
        let process = self.process.id().ok_or("it has ended")?.to_string();
        let (next, done) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU64::new(0)));
        let until = Instant::now() + WARM_UP + settings.seconds;
        let askers: Vec<_> = (0..ASKERS)
            .map(|_| {
                let (next, done) = (Arc::clone(&next), Arc::clone(&done));
                let target = move || address(next.fetch_add(1, Ordering::Relaxed) % targets);
                let exporter = self.port;
                tokio::spawn(async move {
                    let asked = ask(exporter, kind, port, target, &done, until).await;
                    asked.map_err(|error| error.to_string())
                })
            })
            .collect();
        sleep(WARM_UP).await;
        let (computed, before) = (cpu(&process)?, done.load(Ordering::Relaxed));
        sleep(settings.seconds).await;
        let computed = cpu(&process)? - computed;
        let probes = (done.load(Ordering::Relaxed) - before) as f64;
        for asker in askers {
            asker.await??;
        }
        Ok(Figure { probes, cpu: computed, memory: memory(&process)? })
    }
}

async fn ask(
    exporter: u16,
    kind: Kind,
    port: u16,
    target: impl Fn() -> std::net::Ipv4Addr,
    done: &AtomicU64,
    until: Instant,
) -> Outcome<()> {
    let stream = TcpStream::connect(("127.0.0.1", exporter)).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driven = tokio::spawn(connection);
    while Instant::now() < until {
        let (module, target) = (kind.name(), target());
        let url = match kind {
            Kind::Http => format!("/probe?module={module}&target=http://{target}:{port}/"),
            Kind::Tcp => format!("/probe?module={module}&target={target}:{port}"),
        };
        let request = Request::get(url).header("host", "127.0.0.1").body(Empty::<Bytes>::new())?;
        let answer = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&answer);
        if !text.lines().any(|line| line == "probe_success 1") {
            return Err(format!("{PROGRAM} did not reach {target}: {text}").into());
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    drop(sender);
    driven.await??;
    Ok(())
}

/// Installs it where it is missing, if this is root on a system with apt.
fn install() -> Outcome<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file()) {
        return Ok(());
    }
    if !Path::new("/usr/bin/apt-get").is_file() {
        return Err(format!("{PROGRAM} is not there: install it").into());
    }
    let install = ["install", "-y", "--no-install-recommends", PROGRAM];
    for arguments in [&["update", "-qq"][..], &install[..]] {
        let mut apt = Process::new("apt-get");
        // Only the program is wanted, not a service.
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        let status = apt.status()?;
        if !status.success() {
            return Err(format!("apt-get {}: {status}; it needs root", arguments.join(" ")).into());
        }
    }
    Ok(())
}
