//! Who may use an image, and until when it is offered.

use super::{described, registered, sim};
use crate::form::{call, image};

#[tokio::test(start_paused = true)]
async fn an_image_is_shared_by_either_way_of_saying_so() {
    let sim = sim();
    let (id, _) = registered(&sim, "web-7").await;
    let modify = async |more: &[(&str, &str)]| {
        call(&sim, "ModifyImageAttribute", &[&[("ImageId", id.as_str())], more].concat()).await
    };
    modify(&[("LaunchPermission.Add.1.UserId", "111111111111")]).await.ok();
    modify(&[("Attribute", "launchPermission"), ("OperationType", "add"), ("UserId.1", "222222222222")])
        .await
        .ok();
    let fields = [("ImageId", id.as_str()), ("Attribute", "launchPermission")];
    let permissions = call(&sim, "DescribeImageAttribute", &fields).await.ok();
    assert_eq!(permissions.all("userId"), ["111111111111", "222222222222"]);
    for (user, count) in [("222222222222", 1), ("333333333333", 0), ("self", 0)] {
        let found = call(&sim, "DescribeImages", &[("ExecutableBy.1", user)]).await.ok();
        assert_eq!(found.all("imageId").len(), count, "{user}");
    }
    modify(&[("LaunchPermission.Remove.1.UserId", "111111111111")]).await.ok();
    modify(&[("LaunchPermission.Add.1.Group", "all")]).await.ok();
    assert_eq!(described(&sim, &id).await.ok().one("isPublic"), "true");
    call(&sim, "ResetImageAttribute", &fields).await.ok();
    assert_eq!(described(&sim, &id).await.ok().one("isPublic"), "false");
    let refused = modify(&[("LaunchPermission.Add.1.UserId", "me")]).await;
    assert_eq!(refused.code(), "InvalidAMIAttributeItemValue");
    assert_eq!(modify(&[]).await.code(), "MissingParameter");
    assert_eq!(modify(&[("ProductCode.1", "x")]).await.code(), "UnsupportedOperation");
}

#[tokio::test(start_paused = true)]
async fn a_description_changes() {
    let sim = sim();
    let (id, _) = registered(&sim, "web-7").await;
    for fields in [
        vec![("ImageId", id.as_str()), ("Description.Value", "new")],
        vec![("ImageId", id.as_str()), ("Attribute", "description"), ("Value", "newer")],
    ] {
        call(&sim, "ModifyImageAttribute", &fields).await.ok();
        assert_eq!(described(&sim, &id).await.ok().one("description"), fields.last().unwrap().1);
    }
    let long = "x".repeat(256);
    let fields = [("ImageId", id.as_str()), ("Description.Value", &long)];
    assert_eq!(call(&sim, "ModifyImageAttribute", &fields).await.code(), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn another_accounts_image_is_not_changed() {
    let sim = sim();
    let public = image(&sim, "x86_64").await;
    let fields = [("ImageId", public.as_str()), ("Description.Value", "mine")];
    assert_eq!(call(&sim, "ModifyImageAttribute", &fields).await.code(), "AuthFailure");
}

#[tokio::test(start_paused = true)]
async fn a_deprecation_is_set_in_the_future_and_taken_back() {
    let sim = sim();
    let (id, _) = registered(&sim, "web-7").await;
    let deprecate = async |at| {
        call(&sim, "EnableImageDeprecation", &[("ImageId", id.as_str()), ("DeprecateAt", at)]).await
    };
    for at in ["2025-12-31T00:00:00Z", "2036-06-01T00:00:00Z"] {
        assert_eq!(deprecate(at).await.code(), "InvalidParameterValue", "{at}");
    }
    deprecate("2026-06-01T00:00:31Z").await.ok();
    assert_eq!(described(&sim, &id).await.ok().one("deprecationTime"), "2026-06-01T00:01:00.000Z");
    call(&sim, "DisableImageDeprecation", &[("ImageId", &id)]).await.ok();
    assert!(described(&sim, &id).await.ok().all("deprecationTime").is_empty());
}
