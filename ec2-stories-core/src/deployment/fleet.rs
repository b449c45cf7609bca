//! A fleet: its description, and the code that goes with it.

use std::sync::Arc;
use std::time::Duration;

use bon::bon;

use super::validate::check_fleet;
use crate::model::{
    Architecture, AvailabilityZone, Expiry, FirewallPolicy, FleetSpec, Health, Image, InstanceType,
    KeyPairSpec, LoginSpec, Market, MetadataOptions, Name, SecurityGroupId, SubnetId, Tags, UserData, Volume,
    default_instance_types, default_launch_timeout,
};
use crate::provider::{Customizer, Probe, Registrar};
use crate::{Error, Result};

/// N equal nodes: a [`FleetSpec`], plus customizers, registrars and a probe.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub(crate) spec: FleetSpec,
    pub(crate) customizers: Vec<Arc<dyn Customizer>>,
    pub(crate) registrars: Vec<Arc<dyn Registrar>>,
    pub(crate) probe: Option<Arc<dyn Probe>>,
}

#[bon]
impl Fleet {
    /// Describes a fleet. `name`, `nodes` and `image` are required, and the compiler sees to it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), naming the field: `fleet.web.nodes`.
    #[builder(finish_fn = build, state_mod(vis = "pub"))]
    pub fn new(
        #[builder(field)] after: Vec<String>,
        #[builder(field)] customizers: Vec<Arc<dyn Customizer>>,
        #[builder(field)] registrars: Vec<Arc<dyn Registrar>>,
        #[builder(field)] probe: Option<Arc<dyn Probe>>,
        /// Its name, unique in the deployment.
        #[builder(into)]
        name: String,
        /// How many nodes.
        nodes: u32,
        /// The image.
        #[builder(into)]
        image: Image,
        /// With fewer live nodes than this the fleet has failed; all of them where not said.
        at_least: Option<u32>,
        /// The architecture that a public image is looked up for.
        #[builder(default)]
        architecture: Architecture,
        /// Instance types, the preferred first.
        #[builder(with = |types: impl IntoIterator<Item = impl Into<InstanceType>>| types.into_iter().map(Into::into).collect())]
        instance_types: Option<Vec<InstanceType>>,
        /// Zones, the preferred first.
        #[builder(default, with = |zones: impl IntoIterator<Item = impl Into<AvailabilityZone>>| zones.into_iter().map(Into::into).collect())]
        zones: Vec<AvailabilityZone>,
        /// Subnets, the preferred first; not together with zones.
        #[builder(default, with = |subnets: impl IntoIterator<Item = impl Into<SubnetId>>| subnets.into_iter().map(Into::into).collect())]
        subnets: Vec<SubnetId>,
        /// Whether the nodes get public addresses; the subnet's default where not said.
        public_ip: Option<bool>,
        /// On demand or spot.
        #[builder(default)]
        market: Market,
        /// The key pair.
        key: Option<KeyPairSpec>,
        /// How its nodes are logged in to.
        #[builder(default)]
        login: LoginSpec,
        /// The inbound rules of the fleet's own security group.
        firewall: Option<FirewallPolicy>,
        /// Existing security groups beside it.
        #[builder(default, with = |groups: impl IntoIterator<Item = impl Into<SecurityGroupId>>| groups.into_iter().map(Into::into).collect())]
        security_groups: Vec<SecurityGroupId>,
        /// The name of an existing instance profile.
        #[builder(into)]
        instance_profile: Option<String>,
        /// Volumes; one without a device is the root volume.
        #[builder(default, with = |volumes: impl IntoIterator<Item = Volume>| volumes.into_iter().collect())]
        volumes: Vec<Volume>,
        /// User data, the same for all nodes.
        #[builder(into)]
        user_data: Option<UserData>,
        /// Metadata options.
        #[builder(default)]
        metadata: MetadataOptions,
        /// Tags beside the family's own.
        #[builder(default)]
        tags: Tags,
        /// How long a node may take from launch to running.
        #[builder(default = default_launch_timeout())]
        launch_timeout: Duration,
        /// How long its nodes outlive their controller: an hour in dev mode, for ever in production, where not said.
        #[builder(into)]
        expires_after: Option<Expiry>,
        /// How its nodes are watched, and what is done about those that die.
        #[builder(default)]
        health: Health,
    ) -> Result<Self> {
        let named = |field: &str, name: String| {
            Name::new(name)
                .map_err(|error| Error::invalid(field, error.message().trim_start_matches("name: ")))
        };
        let name = named("fleet.name", name)?;
        let field = format!("fleet.{name}.after");
        let after = after.into_iter().map(|before| named(&field, before)).collect::<Result<_>>()?;
        let spec = FleetSpec {
            name,
            nodes,
            at_least,
            after,
            image,
            architecture,
            instance_types: instance_types.unwrap_or_else(default_instance_types),
            zones,
            subnets,
            public_ip,
            market,
            key,
            login,
            firewall,
            security_groups,
            instance_profile,
            volumes,
            user_data,
            metadata,
            tags,
            launch_timeout,
            expires_after,
            health,
        };
        check_fleet(&spec)?;
        if let Some(probe) = &probe {
            check_probe(&spec.name, probe)?;
        }
        Ok(Self { spec, customizers, registrars, probe })
    }

    /// Takes a description as a story file has it.
    ///
    /// # Errors
    /// As the builder's.
    pub fn from_spec(spec: FleetSpec) -> Result<Self> {
        check_fleet(&spec)?;
        Ok(Self { spec, customizers: Vec::new(), registrars: Vec::new(), probe: None })
    }

    /// Its description.
    #[must_use]
    pub fn spec(&self) -> &FleetSpec {
        &self.spec
    }
}

/// Refuses a probe that asks what cannot be meant.
pub(super) fn check_probe(fleet: &Name, probe: &impl Probe) -> Result<()> {
    probe.consistent().map_err(|error| error.within(format!("fleet.{fleet}.probe")))
}

impl<S: fleet_builder::State> FleetBuilder<S> {
    /// Starts the fleet only once the fleet of this name is ready; may be said again.
    pub fn after(mut self, fleet: impl Into<String>) -> Self {
        self.after.push(fleet.into());
        self
    }

    /// Customizes each node once it runs; several run in the order given.
    pub fn customize(mut self, customizer: impl Customizer + 'static) -> Self {
        self.customizers.push(Arc::new(customizer));
        self
    }

    /// Registers each node once it is customized; may be said again.
    pub fn registrar(mut self, registrar: impl Registrar + 'static) -> Self {
        self.registrars.push(Arc::new(registrar));
        self
    }

    /// Asks a node whether it lives; the last one said counts.
    pub fn probe(mut self, probe: impl Probe + 'static) -> Self {
        self.probe = Some(Arc::new(probe));
        self
    }
}
