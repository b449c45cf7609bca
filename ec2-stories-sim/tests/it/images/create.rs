//! CreateImage.

use std::time::Duration;

use tokio::time::sleep;

use super::{described, sim};
use crate::form::{call, launch, until_running};

#[tokio::test(start_paused = true)]
async fn an_image_of_an_instance_has_its_disks_and_reboots_it() {
    let sim = sim();
    let disk =
        [("BlockDeviceMapping.1.DeviceName", "/dev/sdf"), ("BlockDeviceMapping.1.Ebs.VolumeSize", "20")];
    let instance = launch(&sim, "1", &disk).await.ok().one("instanceId");
    sleep(Duration::from_secs(1)).await;
    let create = async |name, more: &[(&str, &str)]| {
        call(&sim, "CreateImage", &[&[("InstanceId", instance.as_str()), ("Name", name)], more].concat())
            .await
    };
    assert_eq!(create("early", &[]).await.code(), "IncorrectInstanceState");
    until_running().await;
    let tags = [
        ("TagSpecification.1.ResourceType", "image"),
        ("TagSpecification.1.Tag.1.Key", "role"),
        ("TagSpecification.1.Tag.1.Value", "web"),
        ("NoReboot", "true"),
    ];
    let id = create("golden", &tags).await.ok().one("imageId");
    assert_eq!(sim.instances()[0].reboots, 0);
    create("other", &[]).await.ok();
    assert_eq!(sim.instances()[0].reboots, 1);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(described(&sim, &id).await.ok().one("imageState"), "pending");
    sleep(Duration::from_secs(120)).await;
    let reply = described(&sim, &id).await.ok();
    assert_eq!(reply.one("imageState"), "available");
    assert_eq!(reply.all("deviceName"), ["/dev/xvda", "/dev/sdf"]);
    assert_eq!(reply.all("volumeSize"), ["8", "20"]);
    assert_eq!((reply.one("architecture"), reply.one("enaSupport")), ("x86_64".into(), "true".into()));
    assert_eq!(
        (reply.one("sourceInstanceId"), reply.inside("item", "value")),
        (instance.clone(), vec!["web".into()])
    );
    assert_eq!(create("golden", &[]).await.code(), "InvalidAMIName.Duplicate");
}
