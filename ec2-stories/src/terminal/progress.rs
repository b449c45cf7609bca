//! Progress while one waits.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{note, say};
use crate::deployment::EventKind;
use crate::deployment::machine::Phase;
use crate::model::NodeAddress;
use crate::{Event, Running};

/// With more nodes than this a terminal shows only how many are live.
const MOST_LINES: usize = 24;

/// Shows what happens in a deployment until [`finish`](Self::finish), or until it is dropped.
#[derive(Debug)]
pub struct Progress {
    follower: JoinHandle<()>,
    enough: Arc<Notify>,
    bars: Option<MultiProgress>,
}

impl Progress {
    /// For people, on standard error: a live line for each node on a terminal, a line for each event elsewhere.
    #[must_use]
    pub fn follow(running: &Running) -> Self {
        if std::io::stderr().is_terminal() {
            let mut board = Board::new(running);
            let bars = board.bars.clone();
            return Self::show(running, Some(bars), move |event| board.show(&event));
        }
        Self::show(running, None, note)
    }

    /// For programs, on standard output: `{"event": …}`, one a line.
    #[must_use]
    pub fn as_json(running: &Running) -> Self {
        Self::show(running, None, |event| say(serde_json::json!({ "event": event })))
    }

    fn show(
        running: &Running,
        bars: Option<MultiProgress>,
        mut show: impl FnMut(Event) + Send + 'static,
    ) -> Self {
        let mut events = Box::pin(running.events());
        let enough = Arc::new(Notify::new());
        let told = enough.clone();
        let follower = tokio::spawn(async move {
            loop {
                let event = tokio::select! {
                    biased; // what has happened is shown before the end
                    event = events.next() => event,
                    () = told.notified() => None,
                };
                match event {
                    Some(event) => show(event),
                    None => break,
                }
            }
        });
        Self { follower, enough, bars }
    }

    /// Shows what has happened so far and stops; what is printed next stands where the live lines were.
    pub async fn finish(mut self) {
        self.enough.notify_one();
        // An error is a panic in the follower, which tokio has reported.
        let _ = (&mut self.follower).await;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.follower.abort();
        if let Some(bars) = &self.bars {
            // A terminal that cannot be cleared is no reason to fail.
            let _ = bars.clear();
        }
    }
}

/// The live lines.
struct Board {
    bars: MultiProgress,
    all: ProgressBar,
    nodes: BTreeMap<NodeAddress, (Phase, Option<ProgressBar>)>,
}

impl Board {
    fn new(running: &Running) -> Self {
        let bars = MultiProgress::new();
        let style = |template| ProgressStyle::with_template(template).expect("the template is fixed");
        let nodes = running.nodes();
        let all = bars.add(ProgressBar::new(nodes.len() as u64));
        all.set_style(style("{bar:24} {pos}/{len} live {elapsed:>6} {wide_msg}"));
        all.enable_steady_tick(Duration::from_millis(200));
        let lines = nodes.len() <= MOST_LINES;
        let nodes = nodes.into_iter().map(|node| {
            let line = lines.then(|| {
                let line = bars.add(ProgressBar::new_spinner().with_prefix(node.address.to_string()));
                line.set_style(style("  {prefix:12} {wide_msg}"));
                line.set_message(node.phase.to_string());
                line
            });
            (node.address, (node.phase, line))
        });
        let board = Self { nodes: nodes.collect(), bars, all };
        board.count();
        board
    }

    fn count(&self) {
        let live = self.nodes.values().filter(|(phase, _)| *phase == Phase::Live).count();
        self.all.set_position(live as u64);
    }

    fn show(&mut self, event: &Event) {
        let Some((phase, line)) = event.node.as_ref().and_then(|node| self.nodes.get_mut(node)) else {
            self.all.set_message(event.kind.to_string());
            return;
        };
        if let Some(line) = line {
            line.set_message(event.kind.to_string());
        }
        if let EventKind::Phase(entered) = &event.kind {
            *phase = *entered;
            self.count();
        }
    }
}
