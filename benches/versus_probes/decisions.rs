//! Decisions that change nothing: a live node answered that it lives.

use std::hint::black_box;
use std::time::Duration;

use ec2_stories_core::model::{Generation, Health};
use ec2_stories_core::monitor::machine::{At, Event, Key, Machine};
use ec2_stories_core::provider::Liveness;
use tokio::time::Instant;

const DECISIONS: u32 = 2_000_000;

/// How many the machine takes in a second, for so many targets in turn.
pub(crate) fn a_second(targets: u32) -> f64 {
    let mut machine = Machine::new(false);
    let fleet = machine.add_fleet("web", Health::default(), true);
    let zone = machine.zone("eu-west-1a");
    let mut out = Vec::new();
    let mut now = At::START;
    let mut watches = Vec::new();
    for slot in 0..targets {
        let key = Key { fleet, slot };
        let generation = Generation::FIRST;
        let (was_live, age) = (true, Duration::ZERO);
        machine.step(Event::Watch { key, zone, generation, was_live, age }, now, &mut out);
        watches.push((key, machine.watch_of(key).expect("it is watched")));
    }
    let mut answer = |(key, watch): (Key, u32), now: At| {
        machine.step(Event::Answer { key, watch, liveness: Liveness::Live }, now, &mut out);
        out.clear();
    };
    // Until every verdict is what it will stay.
    for _ in 0..5 {
        now = now.plus(Duration::from_secs(1));
        watches.iter().for_each(|watch| answer(*watch, now));
    }
    let began = Instant::now();
    for (decision, watch) in (0..DECISIONS).zip(watches.iter().cycle()) {
        now = if decision % 1000 == 0 { now.plus(Duration::from_millis(10)) } else { now };
        answer(black_box(*watch), now);
    }
    f64::from(DECISIONS) / began.elapsed().as_secs_f64()
}
