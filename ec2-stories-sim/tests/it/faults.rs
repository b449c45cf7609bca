//! Faults on the path of a call.

use std::time::Duration;

use ec2_stories_sim::{Broken, CallOutcome, Fault, FaultPlan, Sim};
use tokio::time::{Instant, sleep};

use crate::form::{call, launch, states, try_call, until_running};

const REGIONS: &str = "DescribeRegions";

#[tokio::test(start_paused = true)]
async fn the_nth_call_of_an_operation_is_struck_and_no_other() {
    let sim = Sim::builder().build();
    sim.faults().nth("DescribeV*", 2, Fault::Throttle);
    call(&sim, REGIONS, &[]).await.ok();
    call(&sim, "DescribeVpcs", &[]).await.ok();
    let struck = call(&sim, "DescribeVolumes", &[]).await;
    assert_eq!((struck.status, struck.code().as_str()), (503, "RequestLimitExceeded"));
    call(&sim, "DescribeVpcs", &[]).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_call_is_struck_by_its_number_among_all() {
    let sim = Sim::builder().build();
    sim.faults().at_call(3, Fault::Error { code: "InternalError".into(), status: 500 });
    call(&sim, REGIONS, &[]).await.ok();
    call(&sim, "DescribeVpcs", &[]).await.ok();
    assert_eq!(call(&sim, "DescribeSubnets", &[]).await.code(), "InternalError");
    call(&sim, REGIONS, &[]).await.ok();
    let log = sim.calls_log();
    assert_eq!(log[2].outcome, CallOutcome::Error { code: "InternalError".into(), status: 500 });
    assert_eq!(sim.calls().to_string(), "DescribeRegions 2, DescribeSubnets 1, DescribeVpcs 1");
}

#[tokio::test(start_paused = true)]
async fn a_lost_call_tells_in_the_log_whether_it_took_effect() {
    let sim = Sim::builder().build();
    sim.faults().nth("CreateSecurityGroup", 1, Fault::ReplyLostBefore);
    sim.faults().nth("CreateSecurityGroup", 2, Fault::ReplyLostAfter);
    let fields = [("GroupName", "web"), ("GroupDescription", "web")];
    for effect in [false, true] {
        assert!(matches!(try_call(&sim, "CreateSecurityGroup", &fields).await, Err(Broken::Reset)));
        assert_eq!(sim.calls_log().last().unwrap().outcome, CallOutcome::Lost { effect });
        assert_eq!(sim.leaks().len(), usize::from(effect));
    }
    assert_eq!(call(&sim, "CreateSecurityGroup", &fields).await.code(), "InvalidGroup.Duplicate");
}

#[tokio::test(start_paused = true)]
async fn a_slow_reply_has_its_effect_at_once() {
    let sim = Sim::builder().build();
    sim.faults().nth(REGIONS, 1, Fault::Slow(Duration::from_secs(40)));
    let start = Instant::now();
    call(&sim, REGIONS, &[]).await.ok();
    assert!(start.elapsed() >= Duration::from_secs(40));
    assert!(sim.now().duration_since(sim.calls_log()[0].at).as_secs() >= 40);
}

#[tokio::test(start_paused = true)]
async fn a_launch_fails_late() {
    let sim = Sim::builder().build();
    sim.faults().nth("RunInstances", 1, Fault::LateLaunchFailure("Client.VolumeLimitExceeded".into()));
    let ids = launch(&sim, "1", &[]).await.ok().all("instanceId");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(states(&sim, &ids).await, ["pending"]);
    until_running().await;
    let reply = call(&sim, "DescribeInstances", &[("InstanceId.1", &ids[0])]).await.ok();
    assert_eq!(reply.inside("instanceState", "code"), ["48"]);
    assert_eq!(reply.inside("stateReason", "code"), ["Client.VolumeLimitExceeded"]);
    assert_eq!(reply.inside("stateReason", "message"), ["Client.VolumeLimitExceeded: Volume limit exceeded"]);
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn an_instance_becomes_impaired() {
    let sim = Sim::builder().build();
    sim.faults().nth("RunInstances", 1, Fault::Impaired(Duration::from_secs(300)));
    launch(&sim, "1", &[]).await.ok();
    for (after, status) in [(45, "initializing"), (60, "ok"), (300, "impaired")] {
        sleep(Duration::from_secs(after)).await;
        let reply = call(&sim, "DescribeInstanceStatus", &[]).await.ok();
        assert_eq!(reply.inside("instanceStatus", "status"), [status]);
    }
}

#[tokio::test(start_paused = true)]
async fn probable_faults_follow_the_seed() {
    let run = async |seed| {
        let plan: FaultPlan = "[[rule]]\nprobability = 0.3\nfault = \"throttle\"".parse().unwrap();
        let sim = Sim::builder().seed(seed).faults(plan).build();
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(call(&sim, REGIONS, &[]).await.status);
        }
        statuses
    };
    let first = run(5).await;
    assert_eq!(first, run(5).await);
    assert_ne!(first, run(6).await);
    let struck = first.iter().filter(|status| **status == 503).count();
    assert!((4..=22).contains(&struck), "{struck} of 40");
}

#[test]
fn a_plan_with_a_mistake_says_where() {
    let error =
        "[[rule]]\noperaton = \"x\"\nfault = \"throttle\"".parse::<FaultPlan>().unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("operaton"), "{error}");
    for (text, what) in [
        ("probability = 1.5\nfault = \"throttle\"", "rule 1: a probability is between 0 and 1, not 1.5"),
        (
            "operation = \"RunInstance\"\nfault = \"throttle\"",
            "no simulated operation is called `RunInstance`",
        ),
        ("operation = \"putobject\"\nfault = \"throttle\"", "there is `PutObject`"),
        ("nth = 0\nfault = \"throttle\"", "rule 1: calls are counted from 1"),
        ("fault = { error = { code = \"X\", status = 200 } }", "not 200"),
    ] {
        let error = format!("[[rule]]\n{text}").parse::<FaultPlan>().unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    for text in [
        "[[rule]]\nfault = \"nonsense\"",
        "[[rule]]\nfault = { slow = \"soon\" }",
        "[[outage]]\nzone = \"a\"",
    ] {
        assert!(text.parse::<FaultPlan>().is_err(), "{text}");
    }
}
