//! What really happened in the cloud, by its own word.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::types::{
    ArchitectureValues, Filter, Image, Instance, InstanceStateName, InstanceType, Reservation, ResourceType,
    Tag, TagSpecification,
};
use aws_sdk_ec2::{Client, Error};
use ec2_stories::model::{Generation, Name, NodeAddress, Ownership, Slots, Tags};
use jiff::Timestamp;

/// Everything that was ever launched, as far as somebody looks before the cloud forgets it.
#[derive(Debug)]
pub(super) struct Truth {
    client: Client,
    lives: BTreeMap<String, Life>,
}

/// One instance's.
#[derive(Clone, Debug)]
struct Life {
    node: Option<NodeAddress>,
    generation: u64,
    launched: Timestamp,
    /// Pending or running.
    lives: bool,
    terminated: bool,
    /// When its end was asked for.
    ended: Option<Timestamp>,
}

/// Whether a node may have instances of two generations at once, as where the new one is launched first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    Never,
    OfGenerations,
}

impl Truth {
    pub(super) async fn of(url: &str) -> Self {
        let client = Client::new(&super::cloud::config(url).await);
        Self { client, lives: BTreeMap::new() }
    }

    /// Looks at every instance that the cloud still shows, in one answer.
    pub(super) async fn look(&mut self) {
        let seen = self.client.describe_instances().send().await.unwrap();
        assert_eq!(seen.next_token(), None, "one page has them all");
        for instance in seen.reservations().iter().flat_map(Reservation::instances) {
            let id = instance.instance_id().unwrap().to_owned();
            self.lives.insert(id, Life::of(instance));
        }
    }

    /// How many were ever seen.
    pub(super) fn launched(&self) -> usize {
        self.lives.len()
    }

    /// The instances that live, by node.
    pub(super) fn alive(&self) -> BTreeMap<String, Vec<String>> {
        let mut alive: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (id, life) in self.lives.iter().filter(|(_, life)| life.lives) {
            alive.entry(life.name()).or_default().push(id.clone());
        }
        alive
    }

    /// Each pair of instances that lived for one node at a time.
    pub(super) fn doubles(&self, allowed: Overlap) -> Vec<String> {
        let lives: Vec<(&String, &Life)> = self.lives.iter().collect();
        let mut doubles = Vec::new();
        for (index, (id, life)) in lives.iter().enumerate() {
            for (other, its) in &lives[index + 1..] {
                let planned = allowed == Overlap::OfGenerations && life.generation != its.generation;
                if life.node.is_some() && life.node == its.node && !planned && life.overlaps(its) {
                    doubles.push(format!("{id} {life} and {other} {its}"));
                }
            }
        }
        doubles
    }

    /// What bills, or gets in the way of whoever comes next.
    pub(super) async fn leaks(&mut self) -> Vec<String> {
        self.look().await;
        let alive = self.lives.iter().filter(|(_, life)| life.lives);
        let mut leaks: Vec<String> = alive.map(|(id, life)| format!("{id} {life}")).collect();
        let volumes = self
            .client
            .describe_volumes()
            .filters(Filter::builder().name("status").values("available").values("creating").build());
        let volumes = volumes.send().await.unwrap();
        leaks.extend(volumes.volumes().iter().filter_map(|volume| volume.volume_id().map(str::to_owned)));
        let groups = self.client.describe_security_groups().send().await.unwrap();
        let own = groups.security_groups().iter().filter(|group| group.group_name() != Some("default"));
        leaks.extend(own.filter_map(|group| group.group_id().map(str::to_owned)));
        let keys = self.client.describe_key_pairs().send().await.unwrap();
        leaks.extend(keys.key_pairs().iter().filter_map(|key| key.key_name().map(str::to_owned)));
        leaks
    }

    /// Launches an instance for a node that nobody asked for.
    pub(super) async fn launch(&self, node: NodeAddress, generation: u32) {
        let images = self.client.describe_images().owners("136693071363").send().await.unwrap();
        let fits = |image: &&Image| image.architecture() == Some(&ArchitectureValues::X8664);
        let image = images.images().iter().find(fits).and_then(Image::image_id).unwrap();
        let ownership = Ownership {
            deployment: Name::new("shop").unwrap(),
            fleet: node.fleet,
            slots: Slots::new([node.slot]),
            generation: Generation(generation),
            attempt: 1,
            expires: None,
        };
        let tags = ownership.tags();
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tags =
            TagSpecification::builder().resource_type(ResourceType::Instance).set_tags(Some(tags.collect()));
        let run = self.client.run_instances().image_id(image).instance_type(InstanceType::T3Micro);
        run.min_count(1).max_count(1).tag_specifications(tags.build()).send().await.unwrap();
    }

    /// Ends a node's instance from outside, as anybody with the right to may.
    pub(super) async fn terminate(&self, id: &str) {
        let ended = self.client.terminate_instances().instance_ids(id).send().await;
        // It may have ended so long ago that the cloud has forgotten it.
        let forgotten = |error: &Error| error.meta().code() == Some("InvalidInstanceID.NotFound");
        if let Err(error) = ended.map_err(Error::from) {
            assert!(forgotten(&error), "{error:?}");
        }
    }
}

impl Life {
    fn of(instance: &Instance) -> Self {
        let ownership = Ownership::from_tags(&tags(instance.tags()));
        let index = u32::try_from(instance.ami_launch_index().unwrap_or(0)).unwrap();
        let state = instance.state().and_then(|state| state.name()).expect("it has a state");
        let launched = instance.launch_time().expect("it was launched");
        Self {
            node: ownership.as_ref().and_then(|ownership| ownership.node(index)),
            generation: ownership.map_or(0, |ownership| ownership.generation.0.into()),
            launched: Timestamp::from_second(launched.secs()).unwrap(),
            lives: matches!(state, InstanceStateName::Pending | InstanceStateName::Running),
            terminated: *state == InstanceStateName::Terminated,
            ended: instance.state_transition_reason().and_then(ended),
        }
    }

    fn name(&self) -> String {
        self.node.as_ref().map_or_else(|| "nobody's".to_owned(), ToString::to_string)
    }

    /// Whether both lived at one time. Times are whole seconds of the cloud's.
    fn overlaps(&self, other: &Self) -> bool {
        let before = |one: &Self, next: &Self| match one.ended {
            Some(end) => end <= next.launched,
            None => one.terminated,
        };
        !before(self, other) && !before(other, self)
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, generation {}, launched {}", self.name(), self.generation, self.launched)?;
        match self.ended {
            Some(end) => write!(f, ", ended {end})"),
            None if self.lives => f.write_str(", alive)"),
            None => f.write_str(", ended)"),
        }
    }
}

/// `User initiated (2026-01-01 00:00:00 GMT)`
fn ended(reason: &str) -> Option<Timestamp> {
    let time = reason.split_once('(')?.1.strip_suffix(" GMT)")?;
    format!("{}Z", time.replace(' ', "T")).parse().ok()
}

fn tags(tags: &[Tag]) -> Tags {
    tags.iter().fold(Tags::new(), |all, tag| {
        all.with(tag.key().unwrap_or_default(), tag.value().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(generation: u64, launched: i64, ended: Option<i64>) -> Life {
        let at = |second| Timestamp::from_second(second).unwrap();
        Life {
            node: Some("web/0".parse().unwrap()),
            generation,
            launched: at(launched),
            lives: ended.is_none(),
            terminated: ended.is_some(),
            ended: ended.map(at),
        }
    }

    #[test]
    fn lives_overlap_when_one_begins_before_the_other_has_ended() {
        assert!(life(1, 10, None).overlaps(&life(1, 20, None)));
        assert!(life(1, 10, Some(30)).overlaps(&life(2, 20, None)));
        assert!(life(2, 20, None).overlaps(&life(1, 10, Some(30))));
        assert!(!life(1, 10, Some(20)).overlaps(&life(2, 20, None)));
        assert!(!life(2, 20, Some(40)).overlaps(&life(1, 10, Some(15))));
    }

    #[test]
    fn the_time_of_an_end_is_read_from_the_transition_reason() {
        assert_eq!(ended("User initiated (2026-01-01 00:00:07 GMT)"), "2026-01-01T00:00:07Z".parse().ok());
        assert_eq!(ended("Server.InternalError"), None);
    }
}
