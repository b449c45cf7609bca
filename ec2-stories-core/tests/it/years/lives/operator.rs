//! Operators, and the controllers that come and go.

use std::collections::BTreeSet;
use std::time::Duration;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::model::NodeAddress;
use ec2_stories_core::provider::Hold;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep, sleep_until};

use super::nature::pause;
use super::order::Order;
use super::wishes::Wishes;
use super::world::{Controller, World, name};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Tries of an order that must be given.
const TRIES: u32 = 200;

/// Whoever is in charge: of the controller as its supervisor, of the deployment as its operator.
#[derive(Debug)]
pub(super) struct Operator<'a> {
    world: &'a World,
    controller: Option<Controller>,
    random: StdRng,
    /// What is to be ordered later.
    dues: Vec<(Instant, Order)>,
    pub(super) controllers: u64,
    pub(super) orders: u64,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// The controller dies.
    Death,
    /// It is ended in good order, and started again.
    Restart,
    /// Somebody starts a second one.
    Rival,
    /// It loses its journal for so long that another takes over.
    Deposition,
    Scale,
    Pause,
    Hold,
    Quarantine,
    Replace,
    /// The nodes are to be launched from the other image.
    Update,
}

/// Deaths come as often as all orders.
const DEEDS: [Deed; 16] = [
    Deed::Death,
    Deed::Death,
    Deed::Death,
    Deed::Death,
    Deed::Death,
    Deed::Restart,
    Deed::Rival,
    Deed::Deposition,
    Deed::Scale,
    Deed::Scale,
    Deed::Pause,
    Deed::Hold,
    Deed::Quarantine,
    Deed::Replace,
    Deed::Replace,
    Deed::Update,
];

impl<'a> Operator<'a> {
    pub(super) async fn new(world: &'a World, seed: u64) -> Self {
        let controller = world.controller(false).await;
        let random = StdRng::seed_from_u64(seed);
        Self { world, controller: Some(controller), random, dues: Vec::new(), controllers: 1, orders: 0 }
    }

    pub(super) fn controller(&self) -> &Controller {
        self.controller.as_ref().expect("there is one, but for a moment between two")
    }

    pub(super) async fn work(&mut self, mean: Duration, until: Instant) {
        loop {
            let next = Instant::now() + pause(&mut self.random, mean);
            while let Some((at, order)) = self.due(next.min(until)) {
                sleep_until(at).await;
                self.see_to_the_controller().await;
                self.insist(order).await;
            }
            if next > until {
                return;
            }
            sleep_until(next).await;
            self.see_to_the_controller().await;
            self.act().await;
        }
    }

    /// What is due first, if that is before.
    fn due(&mut self, before: Instant) -> Option<(Instant, Order)> {
        let first = self.dues.iter().enumerate().min_by_key(|(_, (at, _))| *at);
        let first = first.filter(|(_, (at, _))| *at < before).map(|(index, _)| index)?;
        Some(self.dues.swap_remove(first))
    }

    async fn see_to_the_controller(&mut self) {
        if self.controller().is_gone() {
            self.succeed(false).await;
        }
    }

    /// Ends the controller where it is, and has another one.
    async fn succeed(&mut self, updating: bool) {
        if let Some(before) = self.controller.take() {
            before.die().await;
        }
        self.controller = Some(self.world.controller(updating).await);
        self.controllers += 1;
    }

    /// Whether it is so now that an order from elsewhere reaches the controller.
    fn is_in_touch(&self) -> bool {
        !self.controller().is_gone() && !self.controller().line.is_down()
    }

    fn wish<T>(&self, wish: impl FnOnce(&mut Wishes) -> T) -> T {
        self.world.truth.wish(wish)
    }

    fn tell(&self, what: &str) {
        self.world.truth.tell(format!("{:.0} --- {what}", self.world.ground.clock().now()));
    }

    fn node(&mut self) -> NodeAddress {
        let nodes: Vec<NodeAddress> = self.wish(|wishes| wishes.nodes()).into_iter().collect();
        nodes.choose(&mut self.random).expect("there is always one").clone()
    }

    async fn act(&mut self) {
        let deed = *DEEDS.choose(&mut self.random).expect("there are some");
        self.tell(&format!("{deed:?}"));
        let later = Instant::now() + self.random.random_range(10 * MINUTE..12 * HOUR);
        match deed {
            Deed::Death => self.death().await,
            Deed::Restart => {
                // One that is gone by now cannot even say that it goes.
                let _ = self.controller().running.detach().await;
                self.succeed(false).await;
            }
            Deed::Rival => self.rival().await,
            Deed::Deposition => self.deposition().await,
            Deed::Update => self.update().await,
            Deed::Scale => {
                let (fleet, described) = *[("db", self.world.pace.db), ("web", self.world.pace.web)]
                    .choose(&mut self.random)
                    .expect("there are two");
                let nodes = self.random.random_range(described.div_ceil(2)..=described + described / 3 + 1);
                self.order(Order::Scale(name(fleet), nodes)).await;
            }
            Deed::Pause => {
                if self.order(Order::Pause).await {
                    self.wish(|wishes| wishes.pause(true));
                }
                self.dues.push((later, Order::Resume));
            }
            Deed::Hold => {
                let (node, until) = (self.node(), later + self.random.random_range(MINUTE..11 * HOUR));
                let ends = self.world.ground.clock().now() + until.duration_since(Instant::now());
                let hold = Hold { owner: "ada".to_owned(), reason: "a look at it".to_owned(), until: ends };
                if self.order(Order::Hold(node.clone(), hold)).await {
                    self.wish(|wishes| wishes.hold(&node, until));
                }
                if self.random.random_bool(0.5) {
                    self.dues.push((later, Order::Release(node)));
                }
            }
            Deed::Quarantine => {
                let node = self.node();
                self.wish(|wishes| wishes.send(&node));
                if self.order(Order::Quarantine(node.clone())).await {
                    self.wish(|wishes| wishes.quarantine(&node));
                }
                self.dues.push((later, Order::Release(node)));
            }
            Deed::Replace => {
                let node = self.node();
                self.order(Order::Replace(node)).await;
            }
        }
    }

    /// What an order allows counts from before it is given.
    fn allow(&self, order: &Order) {
        // Whoever goes by order takes no place of those that die.
        match order {
            Order::Scale(fleet, nodes) => {
                let fewer = self.wish(|wishes| *nodes..wishes.wanted(fleet));
                fewer.for_each(|slot| self.world.truth.given_up(&NodeAddress::new(fleet.clone(), slot)));
            }
            Order::Quarantine(node) | Order::Replace(node) => self.world.truth.given_up(node),
            _ => {}
        }
        self.wish(|wishes| match order {
            Order::Scale(fleet, nodes) => wishes.scale(fleet, *nodes),
            Order::Resume => wishes.pause(false),
            Order::Release(node) => wishes.release(node),
            Order::Replace(node) | Order::Quarantine(node) => {
                wishes.lift(node);
                wishes.send(node);
            }
            Order::Pause | Order::Hold(..) => {}
        });
    }

    /// Gives an order; whether it is sure that the controller has taken it up.
    async fn order(&mut self, order: Order) -> bool {
        self.orders += 1;
        self.allow(&order);
        self.tell(&format!("{order:?}"));
        if self.random.random_bool(0.5) {
            return order.give(&self.controller().running).await.is_ok();
        }
        let line = self.world.line();
        let before = self.is_in_touch();
        let written = order.write(&self.world.shop(&line)).await.is_ok();
        sleep(MINUTE).await;
        written && before && self.is_in_touch()
    }

    /// Gives an order until it is taken up.
    async fn insist(&mut self, order: Order) {
        self.orders += 1;
        self.allow(&order);
        self.tell(&format!("{order:?}"));
        for _ in 0..TRIES {
            match order.give(&self.controller().running).await {
                Ok(()) => return,
                // There is no such node any more.
                Err(error) if error.kind() == ErrorKind::NotFound => return,
                Err(_) => sleep(MINUTE).await,
            }
            self.see_to_the_controller().await;
        }
        self.world.truth.accuse(&format!("{order:?} could not be given"));
    }

    async fn death(&mut self) {
        if let Some(dead) = self.controller.take() {
            dead.die().await;
        }
        sleep(self.random.random_range(Duration::ZERO..20 * MINUTE)).await;
        self.succeed(false).await;
    }

    /// Somebody starts a second controller, and is told that there is one.
    async fn rival(&mut self) {
        let line = self.world.line();
        let began_in_touch = self.is_in_touch();
        let Ok(running) = self.world.shop(&line).start().await else { return };
        let rival = Controller::new(running, line, &self.world.truth);
        if began_in_touch
            && self.is_in_touch()
            && !self.world.truth.was_without_store(2 * self.world.pace.lease())
        {
            self.world.truth.accuse("a second controller was let in beside one that lives");
        }
        self.take_over(rival).await;
    }

    /// The controller loses its journal, another takes over, and the first comes back.
    async fn deposition(&mut self) {
        let lease = self.world.pace.lease();
        self.controller().line.cut(true);
        let heir = self.world.controller(false).await;
        sleep(self.random.random_range(Duration::ZERO..2 * lease)).await;
        self.controller().line.cut(false);
        self.take_over(heir).await;
    }

    /// The one before must go by itself, once it reaches its journal.
    async fn take_over(&mut self, heir: Controller) {
        let lease = self.world.pace.lease();
        let began = Instant::now();
        while !self.controller().is_gone() {
            if began.elapsed() > 2 * lease && !self.world.truth.was_without_store(2 * lease) {
                self.world.truth.accuse("a controller that was deposed goes on");
                break;
            }
            sleep(MINUTE / 6).await;
        }
        if let Some(before) = self.controller.replace(heir) {
            before.die().await;
        }
        self.controllers += 1;
    }

    async fn update(&mut self) {
        let [one, other] = self.world.ground.images();
        let now = self.wish(|wishes| wishes.image.clone());
        self.world.truth.change_image(if now == one { other } else { one });
        self.orders += 1;
        self.roll_out().await;
    }

    /// Hands over to a controller that replaces what is not from the image.
    async fn roll_out(&mut self) {
        let Some(Controller { mut running, line, .. }) = self.controller.take().map(Controller::deaf) else {
            return;
        };
        let updated = running.update(&self.world.shop(&line)).await;
        let now = Controller::new(running, line, &self.world.truth);
        self.controller = Some(now);
        if let Err(error) = updated {
            self.tell(&format!("not updated: {error}"));
            self.succeed(true).await;
        }
    }

    /// Nothing more is wanted than what is described.
    pub(super) async fn withdraw(&mut self) {
        self.dues.clear();
        self.see_to_the_controller().await;
        self.insist(Order::Resume).await;
        for (fleet, nodes) in [("db", self.world.pace.db), ("web", self.world.pace.web)] {
            self.insist(Order::Scale(name(fleet), nodes)).await;
        }
        let given_up = self.controller().running.nodes().into_iter();
        let given_up = given_up.filter(|node| node.phase == Phase::Quarantined).map(|node| node.address);
        let released: BTreeSet<NodeAddress> =
            given_up.chain(self.wish(|wishes| wishes.restrained())).collect();
        for node in released {
            self.insist(Order::Release(node)).await;
        }
        self.roll_out().await;
    }
}
