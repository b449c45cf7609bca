//! Values of a launch that only EC2 can tell to be wrong.

use ec2_stories_sim::{Sim, Throttling};

use crate::form::launch;

#[tokio::test(start_paused = true)]
async fn an_instance_profile_is_one_that_the_account_has() {
    let sim = Sim::builder().build();
    let arn = |name: &str| format!("arn:aws:iam::123456789012:instance-profile/{name}");
    let (by_path, other) = (arn("a/path/web"), arn("other"));
    let name = ("IamInstanceProfile.Name", "web");
    let refused = launch(&sim, "1", &[name]).await;
    assert_eq!(refused.code(), "InvalidParameterValue");
    assert!(refused.one("Message").contains("iamInstanceProfile.name"), "{}", refused.xml);
    sim.add_instance_profile("web");
    assert_eq!(launch(&sim, "1", &[name]).await.ok().one("arn"), arn("web"));
    launch(&sim, "1", &[("IamInstanceProfile.Arn", &by_path)]).await.ok();
    assert_eq!(
        launch(&sim, "1", &[("IamInstanceProfile.Arn", &other)]).await.code(),
        "InvalidParameterValue"
    );
    let both = [name, ("IamInstanceProfile.Arn", by_path.as_str())];
    assert_eq!(launch(&sim, "1", &both).await.code(), "InvalidParameterCombination");
}

#[tokio::test(start_paused = true)]
async fn a_spot_price_is_a_number_above_zero() {
    let sim = Sim::builder().throttling(Throttling::Off).build();
    for (price, status) in [
        ("abc", 400),
        ("", 400),
        ("0", 400),
        ("-1", 400),
        ("1e9", 400),
        ("NaN", 400),
        (".5", 200),
        ("0.01", 200),
    ] {
        let fields = [
            ("InstanceMarketOptions.MarketType", "spot"),
            ("InstanceMarketOptions.SpotOptions.MaxPrice", price),
        ];
        assert_eq!(launch(&sim, "1", &fields).await.status, status, "{price}");
    }
}
