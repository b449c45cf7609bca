//! The closing lines of test runners.

use super::tally::Tally;
use crate::command::Said;

/// nextest's last line on standard error, such as
/// `     Summary [   0.1s] 4 tests run: 3 passed (1 slow, 1 flaky), 1 timed out, 2 skipped`.
pub(crate) fn nextest(said: &Said) -> Tally {
    said.err.iter().rev().find_map(|line| nextest_line(line)).unwrap_or_default()
}

fn nextest_line(line: &str) -> Option<Tally> {
    let (_, counts) = line.trim_start().strip_prefix("Summary [")?.split_once(" run: ")?;
    let mut tally = Tally::default();
    for (count, what) in counted(&without_parentheses(counts), ',') {
        match what {
            "passed" => tally.passed += count,
            "skipped" => tally.skipped += count,
            _ => tally.failed += count, // failed, timed out, exec failed
        }
    }
    Some(tally)
}

/// The sum over `cargo test`'s line per test binary (or bundle of doc tests), such as
/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s`.
pub(crate) fn cargo_test(said: &Said) -> Tally {
    let mut tally = Tally::default();
    for line in &said.out {
        let whole =
            line.strip_prefix("test result: ").filter(|rest| rest.contains(" filtered out; finished in "));
        let Some((_, counts)) = whole.and_then(|rest| rest.split_once(". ")) else { continue };
        for (count, what) in counted(counts, ';') {
            match what {
                "passed" => tally.passed += count,
                "failed" => tally.failed += count,
                "ignored" => tally.skipped += count,
                _ => {} // measured, filtered out
            }
        }
    }
    tally
}

/// `3 passed, 1 timed out` as (3, "passed"), (1, "timed out").
fn counted(counts: &str, separator: char) -> impl Iterator<Item = (u32, &str)> {
    counts.split(separator).filter_map(|item| {
        let (count, what) = item.trim().split_once(' ')?;
        Some((count.parse().ok()?, what.trim()))
    })
}

fn without_parentheses(text: &str) -> String {
    let mut outside = true;
    text.chars()
        .filter(|character| match character {
            '(' => {
                outside = false;
                false
            }
            ')' => {
                outside = true;
                false
            }
            _ => outside,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(out: &str, err: &str) -> Said {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        Said { success: true, out: lines(out), err: lines(err) }
    }

    #[test]
    fn nextest_that_passes() {
        let said = said("", "────────────\n     Summary [   0.012s] 3 tests run: 3 passed, 0 skipped");
        assert_eq!(nextest(&said), Tally::passed(3));
    }

    #[test]
    fn nextest_with_every_outcome() {
        let said = said(
            "",
            "     Summary [  12.012s] 8/9 tests run: 4 passed (1 slow, 2 flaky, 1 leaky), 2 failed, 1 exec failed, 1 timed out, 3 skipped\n\
             \x20       FAIL [   0.004s] tour::it walk\n\
             error: test run failed",
        );
        assert_eq!(nextest(&said), Tally { passed: 4, failed: 4, skipped: 3 });
    }

    #[test]
    fn nextest_with_one_test() {
        let said = said("", "     Summary [   0.012s] 1 test run: 1 passed, 7 skipped");
        assert_eq!(nextest(&said), Tally { passed: 1, failed: 0, skipped: 7 });
    }

    #[test]
    fn a_summary_inside_a_failing_test_is_not_the_last_one() {
        let said = said(
            "",
            "     Summary [   0.0s] 5 tests run: 5 passed, 0 skipped\n     Summary [   0.1s] 1 test run: 0 passed, 1 failed, 0 skipped",
        );
        assert_eq!(nextest(&said), Tally::failed(1));
    }

    #[test]
    fn nextest_whose_build_fails_counts_nothing() {
        assert_eq!(nextest(&said("", "error: could not compile `tour`")), Tally::default());
    }

    #[test]
    fn cargo_test_is_summed_over_binaries() {
        let said = said(
            "running 2 tests\ntest a ... ok\ntest result: ok. 70 passed; 0 failed; as a test said\n\
             test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.10s",
            "error: 1 target failed:\n    `-p tour --test it`",
        );
        assert_eq!(cargo_test(&said), Tally { passed: 3, failed: 2, skipped: 1 });
    }

    #[test]
    fn doc_tests_are_summed_over_bundles() {
        let said = said(
            "test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\n\
             running 1 test\ntest src/lib.rs - (line 7) - compile fail ... ok\n\n\
             test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.06s\n\n\
             all doctests ran in 0.61s; merged doctests compilation took 0.44s",
            "   Doc-tests tour",
        );
        assert_eq!(cargo_test(&said), Tally::passed(5));
    }
}
