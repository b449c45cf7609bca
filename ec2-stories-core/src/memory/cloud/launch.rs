//! A launch: the token, the checks, the room, the machines.

use std::time::Duration;

use tokio::time::Instant as Moment;

use super::machine::Machine;
use super::preflight::problems;
use super::state::State;
use crate::model::{
    AvailabilityZone, Instance, InstanceId, InstanceState, Launch, LaunchRequest, Market, Placement,
    ReservationId,
};
use crate::{Clock, Error, ErrorKind, Result};

/// After this a token is forgotten, and a replay launches again.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(super) struct Reservation {
    request: LaunchRequest,
    id: ReservationId,
    instances: Vec<InstanceId>,
    made_at: Moment,
}

impl State {
    pub(super) fn launch(&mut self, request: &LaunchRequest) -> Result<Launch> {
        if let Some(reservation) =
            self.reservations.get(&request.token).filter(|known| known.made_at.elapsed() < TOKEN_LIFE)
        {
            return self.replay(request, reservation);
        }
        if let Some((_, error)) = problems(self, request).into_iter().next() {
            return Err(error);
        }
        let (zone, count) = self.room(request)?;
        let reservation = ReservationId::new(self.new_id("r"));
        let instances: Vec<Instance> =
            (0..count).map(|index| self.start(request, &reservation, &zone, index)).collect();
        let made = Reservation {
            request: request.clone(),
            id: reservation.clone(),
            instances: instances.iter().map(|instance| instance.id.clone()).collect(),
            made_at: Moment::now(),
        };
        self.reservations.insert(request.token.clone(), made);
        Ok(Launch { reservation, instances })
    }

    fn replay(&self, request: &LaunchRequest, reservation: &Reservation) -> Result<Launch> {
        if reservation.request != *request {
            return Err(Error::new(ErrorKind::Conflict, "the token was used for another request")
                .code("IdempotentParameterMismatch"));
        }
        let now = Moment::now();
        let instances: Vec<Instance> =
            reservation.instances.iter().map(|id| self.machines[id].at(now)).collect();
        if instances.iter().all(|instance| instance.state.is_ending()) {
            return Err(Error::new(ErrorKind::Failed, "the token's instances were terminated")
                .code("IdempotentInstanceTerminated"));
        }
        Ok(Launch { reservation: reservation.id.clone(), instances })
    }

    /// The zone that has room, and for how many.
    fn room(&self, request: &LaunchRequest) -> Result<(AvailabilityZone, u32)> {
        let zones: Vec<AvailabilityZone> = match &request.placement {
            Placement { subnet: Some(subnet), .. } => Self::zone_of(subnet).into_iter().collect(),
            Placement { zone: Some(zone), .. } => vec![zone.clone()],
            Placement { .. } => Self::zones().collect(),
        };
        let fits = |zone: AvailabilityZone| {
            let room = self.room_in(&zone, request).min(request.count());
            (room >= request.at_least).then_some((zone, room))
        };
        zones.into_iter().find_map(fits).ok_or_else(|| {
            Error::new(
                ErrorKind::Capacity,
                format!("no room for {} x {}", request.at_least, request.instance_type),
            )
            .code("InsufficientInstanceCapacity")
        })
    }

    fn room_in(&self, zone: &AvailabilityZone, request: &LaunchRequest) -> u32 {
        if self.outage(zone, Moment::now()).is_some() {
            return 0;
        }
        let Some(capacity) = self.capacity.get(&(request.instance_type.clone(), zone.clone())) else {
            return u32::MAX;
        };
        let now = Moment::now();
        let here = |machine: &&Machine| {
            let Instance { zone: its, instance_type, .. } = &machine.instance;
            its == zone && *instance_type == request.instance_type && !machine.is_terminated(now)
        };
        let used = self.machines.values().filter(here).count();
        capacity.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
    }

    fn start(
        &mut self,
        request: &LaunchRequest,
        reservation: &ReservationId,
        zone: &AvailabilityZone,
        launch_index: u32,
    ) -> Instance {
        let serial = self.next_serial();
        let (high, low) = ((serial >> 8) & 0xff, serial & 0xff);
        let public = request.public_ip.unwrap_or(true);
        let instance = Instance {
            id: InstanceId::new(format!("i-{serial:017x}")),
            state: InstanceState::Pending,
            state_reason: None,
            reservation: reservation.clone(),
            launch_index,
            token: Some(request.token.clone()),
            image: request.image.clone(),
            instance_type: request.instance_type.clone(),
            zone: zone.clone(),
            private_ip: Some(format!("10.0.{high}.{low}")),
            // 198.18.0.0/15 is set aside for tests (RFC 2544).
            public_ip: public.then(|| format!("198.18.{high}.{low}")),
            private_dns: Some(format!("ip-10-0-{high}-{low}.internal")),
            public_dns: public.then(|| format!("ip-198-18-{high}-{low}.example.test")),
            spot: matches!(request.market, Market::Spot { .. }),
            launched_at: Some(self.clock.now()),
            tags: request.all_tags(),
        };
        let now = Moment::now();
        let machine = Machine {
            instance: instance.clone(),
            groups: request.security_groups.clone(),
            visible_at: now + self.settle_time,
            booted_at: now + self.boot_time,
            boot_failure: self.boot_failures.pop_front(),
            end: None,
            fate: None,
            stop: None,
            notices: Vec::new(),
            impaired: None,
            hidden: false,
        };
        let launched = machine.at(now);
        self.machines.insert(instance.id, machine);
        launched
    }
}
