//! Upload a file: ours beside AWS CRT, s5cmd and rclone, to one server on loopback that keeps nothing; plain, with TLS, with
//! latency, and with stalls, refusals and resets.
//!
//! Each client runs in a process of its own, one after the other, all of them before any again. The figures are medians.
//!
//! `cargo bench -p ec2-stories-benches --bench versus_upload -- [MiB …]`, by default 2048 and 8192. `RUNS` (5) says how many
//! runs the medians are of, `MINUTES` (20) for how long a case begins new ones, `ONLY` names a part of the cases' names. Rows are
//! printed case by case. The whole of it takes some two hours on two processors, and 8 GiB of the page cache.
#![allow(clippy::print_stdout)] // A benchmark's result is what it prints.

mod case;
mod certificate;
mod client;
mod measure;
mod ours;
mod sink;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use case::{Case, cases};
use client::{Client, PEERS};
use ec2_stories_benches::{Bench, Peers, Row};
use measure::{Figures, measure, median};
use sink::Sink;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

const PACKAGES: &str = include_str!("../peers/upload_requirements.txt");

/// What the metrics can tell apart: seconds on a busy machine, and mebibytes.
const SECONDS: f64 = 0.01;
const ONE_MIB: f64 = 1.0;

/// How often a case is run.
#[derive(Clone, Copy)]
struct Runs {
    rounds: usize,
    /// No round of a case begins after that.
    longest: Duration,
}

impl Runs {
    fn of_environment() -> Result<Self, std::num::ParseIntError> {
        let number =
            |name: &str, default: u64| std::env::var(name).map_or(Ok(default), |number| number.parse());
        let (rounds, minutes) = (number("RUNS", 5)? as usize, number("MINUTES", 20)?);
        Ok(Self { rounds, longest: Duration::from_secs(minutes * 60) })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [first, url, path] = &arguments[..]
        && first == "--ours"
    {
        return ours::upload(url, path).await;
    }
    let peers = Peers::install(&PACKAGES.lines().collect::<Vec<_>>())?;
    let given: Vec<u64> = arguments.iter().map(|mib| mib.parse()).collect::<Result<_, _>>()?;
    let sizes = if given.is_empty() { vec![2048, 8192] } else { given };
    let runs = Runs::of_environment()?;
    let only = std::env::var("ONLY").unwrap_or_default();
    let folder = std::env::temp_dir().join(format!("versus_upload-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let compared = compare_all(&sizes, &only, runs, &folder, &peers).await;
    std::fs::remove_dir_all(&folder)?;
    compared?.print();
    Ok(())
}

async fn compare_all(
    sizes: &[u64],
    only: &str,
    runs: Runs,
    folder: &Path,
    peers: &Peers,
) -> Result<Bench, Box<dyn Error>> {
    let tls = certificate::make(&folder.join("certificate.pem"))?;
    let mut bench = Bench::new("versus_upload");
    for mib in sizes {
        // A hole as large: once it was read, reading it costs what reading any file in the cache costs.
        let content = folder.join("content");
        std::fs::File::create(&content)?.set_len(mib << 20)?;
        std::io::copy(&mut std::fs::File::open(&content)?, &mut std::io::sink())?;
        for case in cases(*mib).iter().filter(|case| case.name.contains(only)) {
            compare(&mut bench, case, runs, folder, &tls, peers).await?;
        }
    }
    Ok(bench)
}

async fn compare(
    bench: &mut Bench,
    case: &Case,
    runs: Runs,
    folder: &Path,
    tls: &TlsAcceptor,
    peers: &Peers,
) -> Result<(), Box<dyn Error>> {
    let clients = [&[Client::Ours], &PEERS[..]].concat();
    let mut figures: Vec<Vec<Figures>> = vec![Vec::new(); clients.len()];
    let (began, mut round) = (Instant::now(), 0);
    while round < runs.rounds && (round == 0 || began.elapsed() < runs.longest) {
        round += 1;
        for (client, figures) in clients.iter().zip(&mut figures) {
            figures.push(run(*client, case, folder, tls, peers).await?);
        }
    }
    println!("{case}: medians of {round} in {} s", began.elapsed().as_secs());
    let gib = case.mib as f64 / 1024.0;
    let ours = median(&figures[0]);
    for (client, figures) in clients.iter().zip(&figures).skip(1) {
        let (theirs, name, case) = (median(figures), client.name(), case.to_string());
        let row = |metric, ours, theirs, floor| Row::less_is_better(&case, metric, ours, name, theirs, floor);
        bench.push(row("wall seconds", ours.wall, theirs.wall, SECONDS));
        bench.push(row("CPU seconds a GiB", ours.cpu / gib, theirs.cpu / gib, SECONDS));
        bench.push(row("peak memory in MiB", ours.memory, theirs.memory, ONE_MIB));
    }
    bench.print_rows();
    Ok(())
}

async fn run(
    client: Client,
    case: &Case,
    folder: &Path,
    tls: &TlsAcceptor,
    peers: &Peers,
) -> Result<Figures, Box<dyn Error>> {
    let sink = Sink::start(case.trouble, case.tls.then(|| tls.clone())).await?;
    let (file, certificate) = (folder.join("content"), folder.join("certificate.pem"));
    let (file, certificate) = (file.display().to_string(), certificate.display().to_string());
    let mut command = client.command(case, &sink, &file, &certificate, peers)?;
    let figures = measure(&mut command).await?;
    if sink.stored() != case.mib << 20 {
        return Err(format!("{} stored {} bytes", client.name(), sink.stored()).into());
    }
    println!(
        "{case}, {}: {:.2} s, {:.2} s CPU, {:.0} MiB",
        client.name(),
        figures.wall,
        figures.cpu,
        figures.memory
    );
    Ok(figures)
}
