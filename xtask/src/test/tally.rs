//! What passed and what failed.

use std::fmt;
use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

impl Tally {
    pub(crate) fn passed(passed: u32) -> Self {
        Self { passed, ..Self::default() }
    }

    pub(crate) fn failed(failed: u32) -> Self {
        Self { failed, ..Self::default() }
    }

    /// Something that could not be run at all, and why.
    pub(crate) fn broken(why: &dyn fmt::Display) -> Self {
        eprintln!("error: {why}");
        Self::failed(1)
    }

    /// What a runner counted is not believed over how it ended: a build that fails counts no test.
    pub(crate) fn and_ended(self, success: bool) -> Self {
        match (success, self.failed) {
            (true, _) | (false, 1..) => self,
            (false, 0) => Self { failed: 1, ..self },
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_names_what_was_skipped_only_if_something_was() {
        let mut tally = Tally { passed: 3, failed: 1, skipped: 0 };
        assert_eq!(tally.to_string(), "3 passed, 1 failed");
        tally += Tally { passed: 1, failed: 0, skipped: 2 };
        assert_eq!(tally.to_string(), "4 passed, 1 failed, 2 skipped");
    }

    #[test]
    fn a_runner_that_breaks_without_a_count_is_one_failure() {
        assert_eq!(Tally::default().and_ended(false), Tally::failed(1));
        assert_eq!(Tally::passed(9).and_ended(false), Tally { passed: 9, failed: 1, skipped: 0 });
    }

    #[test]
    fn counted_failures_are_not_counted_again() {
        assert_eq!(Tally::failed(2).and_ended(false), Tally::failed(2));
    }
}
