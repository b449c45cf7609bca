//! The figures of one run, as a table for people and one JSON object on the last line.

use std::cell::Cell;

use serde::Serialize;

/// One comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What was done, such as `100 nodes`.
    pub case: String,
    /// What was counted, with its unit.
    pub metric: String,
    /// Our figure.
    pub ours: f64,
    /// The peer.
    pub peer: String,
    /// The peer's figure.
    pub theirs: f64,
    /// How many times better ours is: above 1 we are ahead.
    pub ahead: f64,
}

impl Row {
    /// A row of a metric of which less is better. Where ours is nothing, `floor` (the metric's resolution) stands for it.
    pub fn less_is_better(case: &str, metric: &str, ours: f64, peer: &str, theirs: f64, floor: f64) -> Self {
        let round = |x: f64| (x * 1000.0).round() / 1000.0;
        Self {
            case: case.to_owned(),
            metric: metric.to_owned(),
            ours: round(ours),
            peer: peer.to_owned(),
            theirs: round(theirs),
            ahead: round(theirs.max(floor) / ours.max(floor)),
        }
    }

    /// A row of a metric of which more is better.
    pub fn more_is_better(case: &str, metric: &str, ours: f64, peer: &str, theirs: f64) -> Self {
        let less = Self::less_is_better(case, metric, ours, peer, theirs, f64::MIN_POSITIVE);
        Self { ahead: (ours / theirs * 1000.0).round() / 1000.0, ..less }
    }
}

/// A benchmark's figures, all from one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bench {
    bench: String,
    rows: Vec<Row>,
    /// How many rows were printed.
    #[serde(skip)]
    printed: Cell<usize>,
}

impl Bench {
    /// No figures yet.
    pub fn new(name: &str) -> Self {
        Self { bench: name.to_owned(), rows: Vec::new(), printed: Cell::default() }
    }

    /// Adds a figure.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Prints the rows that were not printed yet: a long benchmark that is cut off has told what it knew.
    pub fn print_rows(&self) {
        let from = self.printed.replace(self.rows.len());
        if from == self.rows.len() {
            return;
        }
        println!(
            "{:<36} {:<40} {:>10} {:<22} {:>10} {:>8}",
            "case", "metric", "ours", "peer", "theirs", "ahead"
        );
        for Row { case, metric, ours, peer, theirs, ahead } in &self.rows[from..] {
            println!("{case:<36} {metric:<40} {ours:>10} {peer:<22} {theirs:>10} {ahead:>8}");
        }
    }

    /// Prints the rows that were not printed yet, then the object.
    pub fn print(&self) {
        self.print_rows();
        println!("{}", serde_json::to_string(self).expect("plain data is JSON"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_ahead_and_nothing_counts_as_the_floor() {
        assert_eq!(Row::less_is_better("n", "calls", 4.0, "boto3", 10.0, 1.0).ahead, 2.5);
        assert_eq!(Row::less_is_better("n", "tags", 0.0, "boto3", 0.0, 1.0).ahead, 1.0);
        assert_eq!(Row::less_is_better("n", "s", 2.0, "boto3", 1.0, 0.001).ahead, 0.5);
        assert_eq!(Row::more_is_better("n", "probes", 3.0, "exporter", 2.0).ahead, 1.5);
    }
}
