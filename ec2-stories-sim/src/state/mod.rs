//! What the cloud holds: one [`Cloud`] for each region of the account.

pub(crate) mod capacity;
pub(crate) mod events;
pub(crate) mod fleets;
pub(crate) mod images;
pub(crate) mod imports;
pub(crate) mod instance;
pub(crate) mod instances;
pub(crate) mod keys;
pub(crate) mod network;
pub(crate) mod snapshots;
pub(crate) mod spot;
pub(crate) mod tags;
pub(crate) mod templates;
pub(crate) mod timeline;
pub(crate) mod tokens;
pub(crate) mod types;
pub(crate) mod volumes;

use ipnet::Ipv4Net;
use jiff::Timestamp;

use capacity::Capacity;
use fleets::Fleets;
use images::{Images, NewImage};
use imports::Imports;
use instances::Instances;
use keys::Keys;
use network::Network;
use snapshots::{Snapshot, Snapshots};
use spot::SpotRequests;
use tags::Tags;
use templates::Templates;
use tokens::Tokens;
use volumes::Volumes;

/// A region. Cloning it is what makes a dry run: handlers change a copy.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    pub(crate) network: Network,
    pub(crate) keys: Keys,
    pub(crate) images: Images,
    pub(crate) snapshots: Snapshots,
    pub(crate) imports: Imports,
    pub(crate) templates: Templates,
    pub(crate) instances: Instances,
    pub(crate) volumes: Volumes,
    pub(crate) tags: Tags,
    pub(crate) spot: SpotRequests,
    pub(crate) fleets: Fleets,
    pub(crate) capacity: Capacity,
    /// Tokens of RunInstances, by zone or region.
    pub(crate) launch_tokens: Tokens,
    /// Tokens of CreateFleet.
    pub(crate) fleet_tokens: Tokens,
    /// Tokens of ImportSnapshot.
    pub(crate) import_tokens: Tokens,
    /// Tokens of CopyImage.
    pub(crate) copy_tokens: Tokens,
    /// Whether new volumes and snapshots are encrypted without being asked.
    pub(crate) encrypted_by_default: bool,
}

impl Cloud {
    /// With a block of addresses that hosts can have, instances are backed by hosts.
    pub(crate) fn new(region: &str, hosts: Option<Ipv4Net>) -> Self {
        Self {
            network: Network::new(region, hosts),
            keys: Keys::default(),
            images: Images::new(region),
            snapshots: Snapshots::default(),
            imports: Imports::default(),
            templates: Templates::default(),
            instances: Instances::default(),
            volumes: Volumes::default(),
            tags: Tags::default(),
            spot: SpotRequests::default(),
            fleets: Fleets::default(),
            capacity: Capacity::default(),
            launch_tokens: Tokens::default(),
            fleet_tokens: Tokens::default(),
            import_tokens: Tokens::default(),
            copy_tokens: Tokens::default(),
            encrypted_by_default: false,
        }
    }

    /// Adds an image, with the snapshot below it where that is an account's own.
    pub(crate) fn seed_image(&mut self, new: NewImage, now: Timestamp) {
        let (id, owner, gib) = (new.id.clone(), new.owner.clone(), new.root_gib);
        self.images.seed(new);
        let snapshots = self.images.get(&id).into_iter().flat_map(images::Registered::snapshots);
        for snapshot in snapshots.map(str::to_owned).collect::<Vec<_>>() {
            let snapshot = Snapshot::completed(snapshot, &owner, gib, now);
            self.snapshots.insert(Snapshot { seeded: true, ..snapshot });
        }
    }

    /// What a copy to another region reads.
    pub(crate) fn library(&self) -> Library {
        Library { images: self.images.clone(), snapshots: self.snapshots.clone(), tags: self.tags.clone() }
    }

    /// Carries out what time has decided since the last call: volumes and addresses of instances that ended, records
    /// that are no longer shown.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        for ended in self.instances.take_ended(now) {
            self.volumes.instance_ended(&ended.id);
            self.spot.instance_ended(&ended.id, &ended.reason, now);
            self.network.release_interface(&ended.interface);
            self.capacity.give_back(ended.instance_type, &ended.zone);
            self.tags.remove(&ended.interface);
        }
        for id in self.instances.take_forgotten(now) {
            self.tags.remove(&id);
        }
        for id in self.volumes.take_deleted() {
            self.tags.remove(&id);
        }
    }
}

/// What a region has to copy from.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    pub(crate) images: Images,
    pub(crate) snapshots: Snapshots,
    pub(crate) tags: Tags,
}
