//! What people see: results on standard output, progress on standard error.

use super::{Ended, STORY, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn plan_progress_nodes_and_report_are_readable() {
    let shop = Shop::new(&format!("mode = 'production'\n{STORY}")).await;
    let plan = Ended::of(shop.for_people("plan", &[])).await.expect(0);
    assert!(plan.stdout.starts_with("deployment shop (production)\n"), "{plan:?}");
    assert!(plan.stdout.contains("fleet.web.nodes is shop.toml:6:9\n"), "a finding has its place: {plan:?}");

    let start = Ended::of(shop.for_people("start", &["--detach"])).await.expect(0);
    for instance in shop.sim.running() {
        assert!(start.stdout.contains(&instance.id), "{start:?}");
    }
    for line in ["launching 2 × t3.micro", "web/1 live", "ready"] {
        assert!(start.stderr.contains(line), "{line}: {start:?}");
    }
    let detach = Ended::of(shop.for_people("detach", &[])).await.expect(0);
    assert!(detach.stdout.contains("nobody controls it"), "{detach:?}");
    let report = Ended::of(shop.for_people("terminate", &[])).await.expect(0);
    assert!(report.stdout.ends_with("nothing is left\n"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cloud_init_does_not_know_is_noted_and_stops_nothing() {
    let typed = "{ cloud_config = { pakages = ['nginx'] } }";
    let text = "{ text = \"#cloud-config\\nrun_cmd: [a]\\n\" }";
    let shop = Shop::new(&format!("{STORY}user_data = {{ parts = [{typed}, {text}] }}\n")).await;
    let ended = Ended::of(shop.for_people("plan", &[])).await.expect(0);
    for (wrong, right) in [("pakages", "packages"), ("run_cmd", "runcmd")] {
        let note = format!("note: fleet.web.user_data: cloud-init knows no key {wrong:?} and passes over it");
        assert!(ended.stdout.contains(&format!("{note}; is {right:?} meant?")), "{note}\n{ended:#?}");
    }
    assert!(ended.stdout.contains("fleet.web.user_data is shop.toml:7:"), "{ended:#?}");
}
