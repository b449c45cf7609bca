//! The page that says it, and whether it is still true.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::death::Death;
use super::measure::{Measured, measure};

/// Set to anything, the page's figures are written anew.
const WRITE: &str = "EC2_STORIES_WRITE_DOCS";

/// What the page says may be off by so much; where within a period a death falls makes a difference.
const TOLERANCE: Duration = Duration::from_secs(10);

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/replacement.md")
}

/// The figures of a row, in seconds: noticed, replaced, away.
fn figures(line: &str) -> Option<[u64; 3]> {
    let mut cells = line.split('|').skip(2).map(str::trim);
    let mut next = || cells.next()?.strip_suffix(" s")?.parse().ok();
    Some([next()?, next()?, next()?])
}

fn row(death: Death, measured: Measured, rest: &str) -> String {
    let Measured { noticed, replaced, away } = measured;
    let [noticed, replaced, away] = [noticed, replaced, away].map(|time| time.as_secs_f64().round());
    format!("| {} | {noticed} s | {replaced} s | {away} s |{rest}", death.title())
}

/// What a row says after its figures.
fn others(line: &str) -> &str {
    line.match_indices('|').nth(4).map_or("", |(at, _)| &line[at + 1..])
}

#[tokio::test(start_paused = true)]
async fn the_page_says_how_long_a_replacement_takes() {
    let text = fs::read_to_string(page()).unwrap();
    let mut written = text.clone();
    let mut stale = Vec::new();
    for death in Death::ALL {
        let start = format!("| {} |", death.title());
        let line = text.lines().find(|line| line.starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("the page has no row {start}"));
        let measured = measure(death).await;
        let fresh = row(death, measured, others(line));
        let near = |(said, is): (u64, Duration)| Duration::from_secs(said).abs_diff(is) <= TOLERANCE;
        let is = [measured.noticed, measured.replaced, measured.away];
        if !figures(line).is_some_and(|said| said.into_iter().zip(is).all(near)) {
            stale.push(fresh.clone());
        }
        written = written.replace(line, &fresh);
    }
    if std::env::var_os(WRITE).is_some() {
        fs::write(page(), written).unwrap();
    } else {
        let stale = stale.join("\n");
        assert!(stale.is_empty(), "docs/replacement.md is out of date; with {WRITE}=1 this writes:\n{stale}");
    }
}

#[test]
fn a_rows_figures_are_read_back() {
    let measured = Measured {
        noticed: Duration::from_millis(29_600),
        replaced: Duration::from_secs(115),
        away: Duration::from_secs(90),
    };
    let line = row(Death::Stopped, measured, " at its next check | 350 s |");
    assert_eq!(figures(&line), Some([30, 115, 90]));
    assert_eq!(others(&line), " at its next check | 350 s |");
    assert_eq!(figures("| Instance stopped | ? | ? | ? | x |"), None);
}
