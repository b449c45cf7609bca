//! Scheduled events, and what others do to an instance. Source: EC2 user guide, "Scheduled events for Amazon EC2 instances".

use std::time::Duration;

use ec2_stories_sim::{FaultPlan, Sim, State};
use tokio::time::sleep;

use crate::form::{Reply, call, launch, until_running};

const HOUR: Duration = Duration::from_secs(3600);

async fn one(sim: &Sim) -> String {
    let id = launch(sim, "1", &[]).await.ok().one("instanceId");
    until_running().await;
    id
}

async fn status(sim: &Sim, id: &str) -> Reply {
    let fields = [("InstanceId.1", id), ("IncludeAllInstances", "true")];
    call(sim, "DescribeInstanceStatus", &fields).await.ok()
}

#[tokio::test(start_paused = true)]
async fn a_retirement_is_told_and_stops_the_instance_at_its_time() {
    let sim = Sim::builder().build();
    let id = one(&sim).await;
    assert!(status(&sim, &id).await.all("eventsSet").concat().is_empty());
    let event = sim.schedule_event(&id, "instance-retirement", HOUR).unwrap();
    let told = status(&sim, &id).await;
    assert_eq!((told.one("code"), told.one("instanceEventId")), ("instance-retirement".into(), event));
    assert_eq!(sim.instance(&id).unwrap().state, State::Running);
    let filters = [("Filter.1.Name", "event.code"), ("Filter.1.Value.1", "instance-stop")];
    let other = call(&sim, "DescribeInstanceStatus", &filters).await.ok();
    assert!(other.all("instanceId").is_empty());

    sleep(HOUR + Duration::from_secs(30)).await;
    assert_eq!(sim.instance(&id).unwrap().state, State::Stopped);
    assert!(status(&sim, &id).await.one("description").starts_with("[Completed] "));
    let reply = call(&sim, "DescribeInstances", &[("InstanceId.1", &id)]).await.ok();
    assert_eq!(reply.inside("stateReason", "code"), ["Server.ScheduledStop"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_called_off_does_nothing() {
    let sim = Sim::builder().build();
    let id = one(&sim).await;
    let event = sim.schedule_event(&id, "instance-stop", HOUR).unwrap();
    assert!(sim.cancel_event(&id, &event) && !sim.cancel_event(&id, &event));
    sleep(2 * HOUR).await;
    assert_eq!(sim.instance(&id).unwrap().state, State::Running);
    assert!(status(&sim, &id).await.one("description").starts_with("[Canceled] "));
}

#[tokio::test(start_paused = true)]
async fn a_start_on_other_hardware_leaves_the_event_behind() {
    let sim = Sim::builder().build();
    let id = one(&sim).await;
    sim.schedule_event(&id, "instance-retirement", HOUR).unwrap();
    assert!(sim.stop(&id) && !sim.stop(&id));
    sleep(Duration::from_secs(60)).await;
    call(&sim, "StartInstances", &[("InstanceId.1", &id)]).await.ok();
    sleep(2 * HOUR).await;
    assert_eq!(sim.instance(&id).unwrap().state, State::Running);
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_is_not_stopped_by_an_event() {
    let sim = Sim::builder().build();
    let id = one(&sim).await;
    sim.schedule_event(&id, "instance-stop", HOUR).unwrap();
    sim.kill(&id);
    assert_eq!(sim.schedule_event(&id, "instance-stop", HOUR), None);
    sleep(HOUR + Duration::from_secs(60)).await;
    assert!(sim.instance(&id).is_none_or(|instance| instance.state == State::Terminated));
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_plan_can_schedule_events_for_what_is_launched() {
    let plan: FaultPlan = "[[rule]]\noperation = \"RunInstances\"\n\
                           fault = { scheduled_event = { code = \"instance-stop\", after = \"10m\", notice = \"2h\" } }"
        .parse()
        .unwrap();
    let sim = Sim::builder().faults(plan).build();
    let id = one(&sim).await;
    assert!(status(&sim, &id).await.all("instanceEventId").is_empty());
    sleep(Duration::from_secs(600)).await;
    assert!(status(&sim, &id).await.one("notBefore").starts_with("2026-01-01T02:10:00"));
    sleep(2 * HOUR).await;
    assert_eq!(sim.instance(&id).unwrap().state, State::Stopped);
    let wrong = "[[rule]]\nfault = { scheduled_event = { code = \"x\", after = \"1s\", notice = \"1s\" } }";
    let error = wrong.parse::<FaultPlan>().unwrap_err().to_string();
    assert!(error.contains("instance-retirement"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_system_that_fails_its_check_takes_the_instances_check_along() {
    let sim = Sim::builder().build();
    let id = one(&sim).await;
    sleep(Duration::from_secs(120)).await;
    let checks = async || {
        let status = status(&sim, &id).await;
        [status.inside("systemStatus", "status").concat(), status.inside("instanceStatus", "status").concat()]
    };
    assert_eq!(checks().await, ["ok", "ok"]);
    assert!(sim.impair(&id));
    assert_eq!(checks().await, ["ok", "impaired"]);
    assert!(sim.impair_system(&id));
    assert_eq!(checks().await, ["impaired", "impaired"]);
    assert!(sim.recover(&id));
    assert_eq!(checks().await, ["ok", "ok"]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_ids_are_the_most_that_a_status_call_names() {
    let sim = Sim::builder().build();
    let ids = launch(&sim, "101", &[]).await.ok().all("instanceId");
    until_running().await;
    let names: Vec<String> = (1..=ids.len()).map(|n| format!("InstanceId.{n}")).collect();
    let fields: Vec<_> = names.iter().map(String::as_str).zip(ids.iter().map(String::as_str)).collect();
    assert_eq!(call(&sim, "DescribeInstanceStatus", &fields).await.code(), "InvalidParameterValue");
    assert_eq!(call(&sim, "DescribeInstanceStatus", &fields[1..]).await.ok().all("instanceId").len(), 100);
}
