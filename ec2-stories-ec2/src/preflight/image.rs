//! The image: there, available.

use ec2_stories_core::model::RegisteredImage;
use ec2_stories_core::provider::Finding;

use super::Checked;
use crate::api::Call;
use crate::convert;

#[derive(Default)]
pub(super) struct Image {
    pub(super) found: Option<RegisteredImage>,
    pub(super) findings: Vec<Finding>,
}

pub(super) async fn check(checked: &Checked<'_>) -> Image {
    let id = &checked.request.image;
    let request = checked.api.client.describe_images().image_ids(id.as_str());
    let reply = match checked.api.call(Call::reading("DescribeImages"), request.send()).await {
        Ok(reply) => reply,
        Err(error) if error.kind() == ec2_stories_core::ErrorKind::NotFound => {
            let finding = checked.error("image", format!("{id} does not exist in this region"));
            return Image { found: None, findings: vec![finding] };
        }
        Err(error) => return Image { found: None, findings: vec![checked.unchecked("image", &error)] },
    };
    let Some(image) = reply.images().iter().find_map(convert::image) else {
        let finding = checked.error("image", format!("{id} does not exist in this region"));
        return Image { found: None, findings: vec![finding] };
    };
    let mut findings = Vec::new();
    if image.state != "available" {
        findings.push(checked.error("image", format!("{id} is {}, not available", image.state)));
    }
    if checked.request.root_device.is_none() {
        findings.push(checked.note(
            "image",
            format!("{id} names no root device: its root volume is as the account encrypts by default"),
        ));
    }
    Image { found: Some(image), findings }
}
