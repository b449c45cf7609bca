//! Who owns a resource: the tags that every resource carries from the call that makes it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ClientToken, Expires, Generation, Name, NodeAddress, Tags};
use crate::{Error, Result};

const DEPLOYMENT: &str = "ec2-stories:deployment";
const FLEET: &str = "ec2-stories:fleet";
const SLOTS: &str = "ec2-stories:slots";
const GENERATION: &str = "ec2-stories:generation";
const ATTEMPT: &str = "ec2-stories:attempt";

/// What a search may be narrowed to. There is no search without a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedBy {
    /// The deployment.
    pub deployment: Name,
    /// Only what this launch made.
    pub token: Option<ClientToken>,
}

impl OwnedBy {
    /// Everything of a deployment.
    #[must_use]
    pub fn deployment(name: &Name) -> Self {
        Self { deployment: name.clone(), token: None }
    }

    /// Only what the launch under `token` made.
    #[must_use]
    pub fn launched_under(mut self, token: &ClientToken) -> Self {
        self.token = Some(token.clone());
        self
    }

    /// The tag that marks the deployment's resources.
    #[must_use]
    pub fn tag(&self) -> (&'static str, &str) {
        (DEPLOYMENT, self.deployment.as_str())
    }
}

/// The slots that one launch fills, in launch-index order, written as ranges: `0-2,5`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slots(Vec<u32>);

impl Slots {
    /// Longest text form, in characters: a tag value's limit.
    pub const MAX_TEXT: usize = 256;

    /// Sorted and without duplicates, whatever the order given.
    #[must_use]
    pub fn new(slots: impl IntoIterator<Item = u32>) -> Self {
        let mut slots: Vec<u32> = slots.into_iter().collect();
        slots.sort_unstable();
        slots.dedup();
        Self(slots)
    }

    /// The slot that the instance with this launch index fills.
    #[must_use]
    pub fn at(&self, launch_index: u32) -> Option<u32> {
        self.0.get(launch_index as usize).copied()
    }

    /// All slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.0.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
            [one] => one.to_string(),
            [first, .., last] => format!("{first}-{last}"),
            [] => String::new(),
        });
        f.write_str(&runs.collect::<Vec<_>>().join(","))
    }
}

impl TryFrom<String> for Slots {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let wrong = || Error::invalid("slots", format!("{text:?} is not a list of ranges such as 0-2,5"));
        let mut slots = Vec::new();
        for run in text.split(',').filter(|run| !run.is_empty()) {
            let (first, last) = run.split_once('-').unwrap_or((run, run));
            let (first, last): (u32, u32) =
                (first.parse().map_err(|_| wrong())?, last.parse().map_err(|_| wrong())?);
            // A range is bounded by what one launch may ask for.
            if last < first || last - first > 10_000 {
                return Err(wrong());
            }
            slots.extend(first..=last);
        }
        Ok(Self::new(slots))
    }
}

impl From<Slots> for String {
    fn from(slots: Slots) -> Self {
        slots.to_string()
    }
}

/// Which deployment, fleet, slots, generation and attempt a launch belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// The deployment; its name is its identity within an account and region.
    pub deployment: Name,
    /// The fleet.
    pub fleet: Name,
    /// The slots that the launch fills.
    pub slots: Slots,
    /// Which instance of each slot this is.
    pub generation: Generation,
    /// Which try at this generation, from 1.
    pub attempt: u32,
    /// When the instance ends itself, in whole seconds, unless that is moved.
    pub expires: Option<Timestamp>,
}

impl Ownership {
    /// The tags that carry it, with a `Name` for the console.
    #[must_use]
    pub fn tags(&self) -> Tags {
        let tags = Tags::new()
            .with("Name", format!("{}/{}", self.deployment, self.fleet))
            .with(DEPLOYMENT, self.deployment.as_str())
            .with(FLEET, self.fleet.as_str())
            .with(SLOTS, self.slots.to_string())
            .with(GENERATION, self.generation.to_string())
            .with(ATTEMPT, self.attempt.to_string());
        match self.expires {
            Some(at) => {
                let (key, value) = Expires::at(at).tag();
                tags.with(key, value)
            }
            None => tags,
        }
    }

    /// Reads it back from an instance's tags; `None` where the family's tags are not all there.
    #[must_use]
    pub fn from_tags(tags: &Tags) -> Option<Self> {
        Some(Self {
            deployment: Name::new(tags.get(DEPLOYMENT)?).ok()?,
            fleet: Name::new(tags.get(FLEET)?).ok()?,
            slots: Slots::try_from(tags.get(SLOTS)?.to_owned()).ok()?,
            generation: Generation(tags.get(GENERATION)?.parse().ok()?),
            attempt: tags.get(ATTEMPT)?.parse().ok()?,
            expires: Expires::from_tags(tags).map(Expires::time),
        })
    }

    /// The tags of a resource that a whole fleet shares, such as its security group.
    #[must_use]
    pub fn shared_tags(deployment: &Name, fleet: Option<&Name>) -> Tags {
        let tags = Tags::new().with(DEPLOYMENT, deployment.as_str());
        match fleet {
            Some(fleet) => tags.with(FLEET, fleet.as_str()).with("Name", format!("{deployment}/{fleet}")),
            None => tags.with("Name", deployment.as_str()),
        }
    }

    /// The node that the instance with this launch index is for.
    #[must_use]
    pub fn node(&self, launch_index: u32) -> Option<NodeAddress> {
        self.slots.at(launch_index).map(|slot| NodeAddress::new(self.fleet.clone(), slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_survive_their_text_form() {
        let slots = Slots::new([5, 2, 1, 0, 9, 8]);
        assert_eq!(slots.to_string(), "0-2,5,8-9");
        assert_eq!(Slots::try_from(slots.to_string()).unwrap(), slots);
        assert_eq!(slots.at(3), Some(5));
        assert!(Slots::try_from("0-4000000000".to_owned()).is_err());
    }

    #[test]
    fn ownership_survives_its_tags() {
        let ownership = Ownership {
            deployment: Name::new("shop").unwrap(),
            fleet: Name::new("web").unwrap(),
            slots: Slots::new(0..3),
            generation: Generation(2),
            attempt: 4,
            expires: Some("2026-11-22T10:00:00Z".parse().unwrap()),
        };
        assert_eq!(Ownership::from_tags(&ownership.tags()), Some(ownership));
        assert_eq!(Ownership::from_tags(&Tags::new().with("Name", "shop/web")), None);
    }
}
