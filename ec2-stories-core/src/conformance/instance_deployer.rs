//! The suite for instance deployers.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tokio::time::{Instant as Moment, sleep};

use super::{demand, eventually, fails, succeeds, unique};
use crate::ErrorKind;
use crate::model::{
    Check, ClientToken, Expires, ImageId, Instance, InstanceHealth, InstanceId, InstanceState, Launch,
    LaunchRequest, Name, OwnedBy, Slots,
};
use crate::provider::{Goal, InstanceDeployer, Severity};

/// What the suite for [`InstanceDeployer`] needs.
#[derive(Clone, Debug)]
pub struct InstanceDeployerFixture {
    /// A launch that works. The suite gives it tokens, slots and a deployment of its own.
    pub request: LaunchRequest,
    /// How long a new instance may be unknown, and no longer.
    pub settle: Duration,
    /// How long an instance takes to run, or to end, at most.
    pub patience: Duration,
    /// Whether the cloud can extend an instance's life.
    pub extends: bool,
    /// A launch that there is no room for; `None` where the cloud's room cannot be arranged.
    pub without_room: Option<LaunchRequest>,
    /// A launch that there is room for in part; `None` where the cloud's room cannot be arranged.
    pub with_room_for_some: Option<LaunchRequest>,
}

impl InstanceDeployerFixture {
    /// A fixture for a cloud that agrees with itself within a minute, boots within ten, extends lives, and whose room is unknown.
    #[must_use]
    pub fn new(request: LaunchRequest) -> Self {
        Self {
            request,
            settle: Duration::from_secs(60),
            patience: Duration::from_secs(600),
            extends: true,
            without_room: None,
            with_room_for_some: None,
        }
    }

    fn deadline(&self) -> Moment {
        Moment::now() + self.patience
    }

    /// A launch of `nodes` under a new token, for a deployment of the suite's own.
    fn launch_of(&self, template: &LaunchRequest, nodes: u32) -> LaunchRequest {
        let mut request = template.clone();
        request.token = ClientToken::new(unique());
        request.ownership.deployment =
            Name::new(format!("suite-{}", unique())).expect("lower-case hex digits");
        request.ownership.slots = Slots::new(0..nodes);
        request.at_least = request.at_least.clamp(1, nodes);
        request
    }
}

/// An id that no instance has.
fn unknown() -> InstanceId {
    InstanceId::new("i-0deadbeefdeadbeef")
}

fn ids(launch: &Launch) -> Vec<InstanceId> {
    launch.instances.iter().map(|instance| instance.id.clone()).collect()
}

/// Checks an [`InstanceDeployer`].
///
/// # Panics
/// With the contract's bullet that was broken; instances may be left then.
pub async fn instance_deployer(deployer: &dyn InstanceDeployer, fixture: &InstanceDeployerFixture) {
    preflight(deployer, fixture).await;
    batch(deployer, fixture).await;
    waits(deployer, fixture).await;
    ends(deployer, fixture).await;
    health(deployer, fixture).await;
    extend(deployer, fixture).await;
    room(deployer, fixture).await;
}

async fn preflight(deployer: &dyn InstanceDeployer, fixture: &InstanceDeployerFixture) {
    const BULLET: &str = "preflight spends nothing, and each finding's field begins with the fleet's";
    let sound = fixture.launch_of(&fixture.request, 1);
    let findings = succeeds(deployer.preflight(&sound, "fleet.web").await, BULLET);
    demand(findings.iter().all(|finding| finding.severity == Severity::Note), BULLET, &findings);
    let wrong = LaunchRequest { image: ImageId::new("ami-0deadbeefdeadbeef"), ..sound.clone() };
    let findings = succeeds(deployer.preflight(&wrong, "fleet.web").await, BULLET);
    let named = |field: &str| findings.iter().any(|f| f.severity == Severity::Error && f.field == field);
    demand(named("fleet.web.image"), BULLET, &findings);
    sleep(fixture.settle).await;
    let found = succeeds(deployer.find(&OwnedBy::deployment(&sound.ownership.deployment)).await, BULLET);
    demand(found.is_empty(), BULLET, &found);
}

async fn batch(deployer: &dyn InstanceDeployer, fixture: &InstanceDeployerFixture) {
    const BATCH: &str =
        "launch is one call for the whole batch, under the token, with every tag in the same call";
    const REPLAY: &str = "the same request again returns the same instances and launches nothing";
    const DESCRIBE: &str =
        "an id that the cloud does not know is absent from the answer and does not hide the others";
    const FIND: &str = "find lists what carries the deployment's tag";

    let request = fixture.launch_of(&fixture.request, 3);
    let launch = succeeds(deployer.launch(&request).await, BATCH);
    let indices: Vec<u32> = launch.instances.iter().map(|instance| instance.launch_index).collect();
    demand(indices == [0, 1, 2], BATCH, &launch);
    demand(
        launch.instances.iter().all(|instance| instance.reservation == launch.reservation),
        BATCH,
        &launch,
    );
    let again = succeeds(deployer.launch(&request).await, REPLAY);
    demand(again.reservation == launch.reservation && ids(&again) == ids(&launch), REPLAY, &again);
    let mut other = request.clone();
    other.user_data = Some(b"another".to_vec());
    fails(
        deployer.launch(&other).await,
        ErrorKind::Conflict,
        "a token that was used for another request is Conflict",
    );

    let mut asked = ids(&launch);
    asked.insert(1, unknown());
    let seen = eventually(DESCRIBE, async || {
        let seen = succeeds(deployer.describe(&asked).await, DESCRIBE);
        (seen.len() >= 3).then_some(seen)
    })
    .await;
    let seen_ids: BTreeSet<_> = seen.iter().map(|instance| instance.id.clone()).collect();
    demand(seen_ids == ids(&launch).into_iter().collect(), DESCRIBE, &seen_ids);
    for instance in &seen {
        let missing: Vec<_> = request
            .all_tags()
            .iter()
            .filter(|(key, value)| instance.tags.get(key) != Some(value))
            .map(|(key, _)| key.to_owned())
            .collect();
        demand(missing.is_empty(), BATCH, missing);
        demand(instance.token.as_ref() == Some(&request.token), BATCH, &instance.token);
        demand(instance.node() == request.ownership.node(instance.launch_index), BATCH, instance.node());
    }
    demand(
        succeeds(deployer.describe(&[]).await, "no ids: no instances").is_empty(),
        "no ids: no instances",
        "some",
    );

    let owned = OwnedBy::deployment(&request.ownership.deployment);
    sleep(fixture.settle).await;
    for (scope, count) in [
        (owned.clone(), 3),
        (owned.clone().launched_under(&request.token), 3),
        (owned.launched_under(&ClientToken::new(unique())), 0),
        (OwnedBy::deployment(&fixture.launch_of(&request, 1).ownership.deployment), 0),
    ] {
        let found = succeeds(deployer.find(&scope).await, FIND);
        demand(found.len() == count, FIND, (&scope, found.len()));
    }
    end(deployer, fixture, &launch).await;
}

async fn waits(deployer: &dyn InstanceDeployer, fixture: &InstanceDeployerFixture) {
    const GOAL: &str = "wait ends when the goal is reached; an id that is not known yet is waited for";
    const DEADLINE: &str = "wait ends at the deadline and says so, with a diagnosis";
    const NEVER: &str = "wait ends when the goal can no longer be reached";

    let launch = succeeds(deployer.launch(&fixture.launch_of(&fixture.request, 2)).await, GOAL);
    let launched = ids(&launch);
    let waits = launched.iter().map(|id| deployer.wait(id, Goal::Running, fixture.deadline()));
    for result in join_all(waits).await {
        let instance = succeeds(result, GOAL);
        demand(instance.state == InstanceState::Running, GOAL, &instance);
        demand(instance.private_ip.is_some(), "a running instance has its address", &instance);
    }
    let soon = Moment::now() + Duration::from_secs(5);
    let error =
        fails(deployer.wait(&launched[0], Goal::Terminated, soon).await, ErrorKind::Timeout, DEADLINE);
    demand(Moment::now() >= soon, DEADLINE, "it ended before");
    demand(error.to_string().contains("running"), DEADLINE, &error);
    let soon = Moment::now() + Duration::from_secs(5);
    fails(deployer.wait(&unknown(), Goal::Running, soon).await, ErrorKind::Timeout, DEADLINE);

    let diagnosis = deployer.diagnose(&launched[0]).await;
    demand(diagnosis.state == Some(InstanceState::Running), "diagnose says what is known", &diagnosis);
    let nothing = deployer.diagnose(&unknown()).await;
    demand(nothing.state.is_none(), "diagnose says what is known", &nothing);

    end(deployer, fixture, &launch).await;
    fails(deployer.wait(&launched[0], Goal::Running, fixture.deadline()).await, ErrorKind::Failed, NEVER);
}

async fn ends(deployer: &dyn InstanceDeployer, fixture: &InstanceDeployerFixture) {
    const ONE_BAD: &str = "each id has its own outcome; one bad id does not keep the others alive";
    const TWICE: &str = "terminate is idempotent";
    const SPENT: &str = "a token whose instances were terminated is Failed";

    demand(
        succeeds(deployer.terminate(&[]).await, "no ids: no call").is_empty(),
        "no ids: no call",
        "an outcome",
    );
    let request = fixture.launch_of(&fixture.request, 2);
    let launch = succeeds(deployer.launch(&request).await, ONE_BAD);
    let mut asked = ids(&launch);
    asked.insert(1, unknown());
    eventually(ONE_BAD, async || {
        let outcomes = succeeds(deployer.terminate(&asked).await, ONE_BAD);
        let named: BTreeSet<_> = outcomes.iter().map(|outcome| &outcome.id).collect();
        demand(named == asked.iter().collect(), ONE_BAD, &outcomes);
        outcomes.iter().all(|outcome| outcome.outcome.is_ok()).then_some(())
    })
    .await;
    end(deployer, fixture, &launch).await;
    for outcome in succeeds(deployer.terminate(&ids(&launch)).await, TWICE) {
        succeeds(outcome.outcome, TWICE);
    }
    fails(deployer.launch(&request).await, ErrorKind::Failed, SPENT);
}

async fn health(deployer: &dyn InstanceDeployer, fixture: &InstanceDeployerFixture) {
    const MANY: &str = "health says of many what it knows; an id that the cloud does not know is absent";
    const ENDED: &str = "health shows a terminated instance that is still visible";

    demand(succeeds(deployer.health(&[]).await, "no ids: no call").is_empty(), "no ids: no call", "some");
    let launch = succeeds(deployer.launch(&fixture.launch_of(&fixture.request, 2)).await, MANY);
    let mut asked = ids(&launch);
    for id in &asked {
        succeeds(deployer.wait(id, Goal::Running, fixture.deadline()).await, MANY);
    }
    asked.insert(1, unknown());
    let seen = succeeds(deployer.health(&asked).await, MANY);
    let named: BTreeSet<_> = seen.iter().map(|health| health.id.clone()).collect();
    demand(named == ids(&launch).into_iter().collect(), MANY, &seen);
    let fine = |health: &InstanceHealth| {
        let failing = |check| matches!(check, Check::Impaired(_));
        health.state == InstanceState::Running && !failing(health.system) && !failing(health.instance)
    };
    demand(seen.iter().all(fine), MANY, &seen);
    end(deployer, fixture, &launch).await;
    let seen = succeeds(deployer.health(&ids(&launch)).await, ENDED);
    let ended = seen.iter().filter(|health| health.state == InstanceState::Terminated);
    demand(ended.count() == 2, ENDED, &seen);
}

async fn extend(deployer: &dyn InstanceDeployer, fixture: &InstanceDeployerFixture) {
    const MOVES: &str = "extend moves the time after which an instance ends itself, and a describe shows it";
    const UNKNOWN: &str = "extend passes over an id that the cloud does not know";
    const NOT: &str = "a cloud that cannot extend is Unsupported";

    let mut request = fixture.launch_of(&fixture.request, 2);
    let first = Expires::at(Timestamp::constant(4_102_444_800, 0)).time();
    request.ownership.expires = Some(first);
    let launch = succeeds(deployer.launch(&request).await, MOVES);
    let launched = ids(&launch);
    for id in &launched {
        succeeds(deployer.wait(id, Goal::Running, fixture.deadline()).await, MOVES);
    }
    let shown = async |until: Timestamp| {
        let seen = succeeds(deployer.describe(&launched).await, MOVES);
        let expires = |instance: &Instance| instance.ownership().and_then(|owner| owner.expires);
        (seen.len() == 2 && seen.iter().all(|instance| expires(instance) == Some(until))).then_some(())
    };
    eventually(MOVES, async || shown(first).await).await;
    if fixture.extends {
        let later = first + Duration::from_secs(3600);
        for _ in 0..2 {
            let mut asked = launched.clone();
            asked.insert(1, unknown());
            succeeds(deployer.extend(&asked, later).await, UNKNOWN);
        }
        eventually(MOVES, async || shown(later).await).await;
        succeeds(deployer.extend(&[], later).await, "no ids: no call");
    } else {
        fails(deployer.extend(&launched, first).await, ErrorKind::Unsupported, NOT);
    }
    end(deployer, fixture, &launch).await;
}

async fn room(deployer: &dyn InstanceDeployer, fixture: &InstanceDeployerFixture) {
    const NONE: &str = "a launch without room is Capacity and launches nothing";
    const SOME: &str = "fewer than asked for, but at least `at_least`, is an Ok";
    if let Some(template) = &fixture.without_room {
        let request = fixture.launch_of(template, template.count());
        fails(deployer.launch(&request).await, ErrorKind::Capacity, NONE);
        sleep(fixture.settle).await;
        let found = succeeds(deployer.find(&OwnedBy::deployment(&request.ownership.deployment)).await, NONE);
        demand(found.is_empty(), NONE, &found);
    }
    if let Some(template) = &fixture.with_room_for_some {
        let request = fixture.launch_of(template, template.count());
        let launch = succeeds(deployer.launch(&request).await, SOME);
        let launched = u32::try_from(launch.instances.len()).unwrap_or(u32::MAX);
        demand((request.at_least..request.count()).contains(&launched), SOME, launched);
        end(deployer, fixture, &launch).await;
    }
}

/// Terminates what a launch made, and waits for it.
async fn end(deployer: &dyn InstanceDeployer, fixture: &InstanceDeployerFixture, launch: &Launch) {
    const BULLET: &str = "terminate ends the instances, and wait sees it";
    let launched = ids(launch);
    for outcome in succeeds(deployer.terminate(&launched).await, BULLET) {
        succeeds(outcome.outcome, BULLET);
    }
    let waits = launched.iter().map(|id| deployer.wait(id, Goal::Terminated, fixture.deadline()));
    for result in join_all(waits).await {
        demand(succeeds(result, BULLET).state == InstanceState::Terminated, BULLET, &launched);
    }
}
