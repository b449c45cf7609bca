//! Who dies when: a plan is one word, so that what failed can be said again.

use std::fmt;
use std::str::FromStr;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::scenario::Scenario;

/// Controllers of one deployment, one after the other: `customized:17,3d,40,-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) scenario: Scenario,
    /// The last one dies by itself.
    pub(super) lives: Vec<Life>,
}

/// One controller: at which boundary it dies, and what it is about; `17`, `-` (never), with `d` where it only takes
/// down what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) dies_at: Option<u64>,
    pub(super) duty: Duty,
}

/// What a controller is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// All that the scenario says.
    Whole,
    /// To take down what there is, without having started it.
    TakeDown,
}

impl Life {
    pub(super) const UNDISTURBED: Self = Self { dies_at: None, duty: Duty::Whole };
}

/// After the first, so many at most die in one plan.
const MORE: u32 = 3;

/// What a life that only takes down has in boundaries, about.
const TAKE_DOWN: u64 = 40;

impl Plan {
    /// A first controller that dies at this boundary, and whoever follows, as the seed says. `boundaries` is how many an
    /// undisturbed life has.
    pub(super) fn dying_first_at(scenario: Scenario, first: u64, boundaries: u64, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ (first << 8) ^ scenario as u64);
        let mut lives = vec![Life { dies_at: Some(first), duty: Duty::Whole }];
        for _ in 0..random.random_range(0..=MORE) {
            let duty = if random.random_bool(0.25) { Duty::TakeDown } else { Duty::Whole };
            let most = if duty == Duty::Whole { boundaries } else { TAKE_DOWN };
            lives.push(Life { dies_at: Some(random.random_range(1..=most)), duty });
        }
        let duty = if random.random_bool(0.25) { Duty::TakeDown } else { Duty::Whole };
        lives.push(Life { dies_at: None, duty });
        Self { scenario, lives }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lives: Vec<String> = self.lives.iter().map(Life::to_string).collect();
        write!(f, "{}:{}", self.scenario, lives.join(","))
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dies_at {
            Some(boundary) => boundary.fmt(f)?,
            None => f.write_str("-")?,
        }
        f.write_str(if self.duty == Duty::TakeDown { "d" } else { "" })
    }
}

impl FromStr for Life {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let (at, duty) = word.strip_suffix('d').map_or((word, Duty::Whole), |at| (at, Duty::TakeDown));
        let dies_at = match at {
            "-" => None,
            at => Some(at.parse().map_err(|_| format!("{word:?} is no life such as 17, 3d or -"))?),
        };
        Ok(Self { dies_at, duty })
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let (scenario, lives) =
            word.split_once(':').ok_or_else(|| format!("{word:?} is no plan such as plain:17,-"))?;
        let lives = lives.split(',').map(str::parse).collect::<Result<Vec<Life>, _>>()?;
        if lives.last().is_none_or(|life| life.dies_at.is_some()) {
            return Err(format!("{word:?} has no last life that is left alone, as in plain:17,-"));
        }
        Ok(Self { scenario: scenario.parse()?, lives })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_its_word_and_depends_on_its_seed_alone() {
        for first in 1..200 {
            let plan = Plan::dying_first_at(Scenario::Customized, first, 60, 7);
            assert_eq!(plan.to_string().parse(), Ok(plan.clone()));
            assert_eq!(plan, Plan::dying_first_at(Scenario::Customized, first, 60, 7));
        }
        assert!("plain:17".parse::<Plan>().is_err());
        assert!("plain:x,-".parse::<Plan>().is_err());
    }
}
