//! What a test left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use crate::ops::tags::resource_type;
use crate::s3;
use crate::sim::Sim;
use crate::state::Cloud;
use crate::state::images::Registered;
use crate::state::instance::Instance;
use crate::state::snapshots::Snapshot;

/// Resources that would bill, or get in the way of the next deployment.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "what is left may fail the test"]
pub struct Leaks(Vec<Leak>);

/// One resource left behind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Leak {
    /// What it is, in EC2's words: `instance`, `volume`, `security-group`, …; `bucket`, `object`, `multipart-upload`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its name or state.
    pub detail: String,
    /// Its region.
    pub region: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Leaks {
    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many resources are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The resources.
    pub fn iter(&self) -> impl Iterator<Item = &Leak> {
        self.0.iter()
    }
}

/// One resource a line.
impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for leak in &self.0 {
            write!(f, "{} {} ({}) in {}", leak.kind, leak.id, leak.detail, leak.region)?;
            for (key, value) in &leak.tags {
                write!(f, " {key}={value}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Sim {
    /// What is left in every region: instances that are not terminated nor about to be, volumes that outlive them,
    /// security groups beside the default ones, key pairs, launch templates, fleets, open spot requests, images,
    /// snapshots, active import tasks. Images and networks that the test itself added do not count, nor does what it
    /// said to [`keep`](Self::keep). Buckets count, and unfinished uploads; of buckets that are meant to stay
    /// ([`keep_bucket`](Self::keep_bucket)) each object does.
    pub fn leaks(&self) -> Leaks {
        let now = self.now();
        let mut world = self.world();
        let kept = world.kept.clone();
        let found = world.clouds(now).flat_map(|(region, cloud)| {
            let belongs = |image: &&Registered| kept.contains(image.id());
            let snapshots = cloud.images.live().filter(belongs).flat_map(Registered::snapshots);
            let snapshots: BTreeSet<String> = snapshots.map(str::to_owned).collect();
            let mut leaks = of(region, cloud, now);
            leaks.retain(|leak| !kept.contains(&leak.id) && !snapshots.contains(&leak.id));
            leaks
        });
        let mut leaks: Vec<Leak> = found.collect();
        leaks.extend(s3::hooks::leaks(&mut world.storage, now));
        Leaks(leaks)
    }

    /// Fails the test when anything is left, and says what.
    ///
    /// # Panics
    /// When [`leaks`](Self::leaks) is not empty.
    #[track_caller]
    pub fn assert_clean(&self) {
        let leaks = self.leaks();
        assert!(leaks.is_empty(), "{} resources are left behind:\n{leaks}", leaks.len());
    }
}

fn of(region: &str, cloud: &Cloud, now: Timestamp) -> Vec<Leak> {
    let live = |instance: &&Instance| !instance.state(now).is_ending();
    let ending = |id: &str| cloud.instances.get(id).is_none_or(|instance| instance.state(now).is_ending());
    let instances = cloud.instances.all().filter(live).map(|instance| {
        let state = instance.state(now).name();
        (instance.id.clone(), format!("{state}, {}", instance.kind.name))
    });
    let volumes =
        cloud.volumes.all().filter(|v| v.attachment.as_ref().is_none_or(|a| !a.delete_on_termination));
    let volumes = volumes.map(|volume| (volume.id.clone(), format!("{} GiB", volume.size_gib)));
    let groups = cloud.network.security_groups().filter(|group| !group.is_default());
    let groups = groups.map(|group| (group.id.clone(), group.name.clone()));
    let keys = cloud.keys.iter().map(|key| (key.id.clone(), key.name.clone()));
    let templates = cloud.templates.iter().map(|template| (template.id.clone(), template.name.clone()));
    let fleets = cloud.fleets.all().filter(|fleet| !fleet.deleted);
    let fleets = fleets.map(|fleet| (fleet.id.clone(), format!("{} wanted", fleet.target)));
    let spot = cloud
        .spot
        .all()
        .filter(|request| request.is_active() && (request.persistent || !ending(&request.instance)));
    let spot = spot.map(|request| (request.id.clone(), request.state.name().to_owned()));
    let images = cloud.images.live().filter(|image| !image.seeded);
    let images = images.map(|image| (image.id().to_owned(), image.name().to_owned()));
    // That of an import is its task until the task is completed.
    let exists = |snapshot: &&Snapshot| !snapshot.seeded && !imported_later(cloud, snapshot, now);
    let snapshots = cloud.snapshots.all().filter(exists);
    let snapshots = snapshots.map(|snapshot| {
        (snapshot.id.clone(), format!("{} GiB, {}", snapshot.size_gib, snapshot.state(now).name()))
    });
    let imports = cloud.imports.active(now).map(|import| (import.id.clone(), import.format.clone()));
    instances
        .chain(images)
        .chain(snapshots)
        .chain(imports)
        .chain(volumes)
        .chain(groups)
        .chain(keys)
        .chain(templates)
        .chain(fleets)
        .chain(spot)
        .map(|(id, detail)| Leak {
            kind: resource_type(&id),
            tags: cloud.tags.pairs(&id),
            detail,
            region: region.to_owned(),
            id,
        })
        .collect()
}

fn imported_later(cloud: &Cloud, snapshot: &Snapshot, now: Timestamp) -> bool {
    cloud.imports.active(now).any(|import| import.snapshot == snapshot.id)
}
