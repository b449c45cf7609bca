//! Tables for people.

use comfy_table::Table;
use comfy_table::presets::UTF8_BORDERS_ONLY;

use crate::deployment::NodeStatus;
use crate::model::RegisteredImage;

/// The nodes: address in the deployment, instance, state, network address, zone.
#[must_use]
pub fn nodes(nodes: &[NodeStatus]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header(["node", "instance", "state", "address", "zone", "phase"]);
    for node in nodes {
        let instance = node.instance.as_ref();
        let address =
            instance.and_then(|instance| instance.public_ip.as_deref().or(instance.private_ip.as_deref()));
        table.add_row([
            node.address.to_string().as_str(),
            instance.map_or("-", |instance| instance.id.as_str()),
            instance.map_or("-", |instance| instance.state.as_str()),
            address.unwrap_or("-"),
            instance.map_or("-", |instance| instance.zone.as_str()),
            node.phase.as_str(),
        ]);
    }
    table.to_string()
}

/// Images: id, name, state, architecture, when it was made and until when it is to be used.
#[must_use]
pub fn images(images: &[RegisteredImage]) -> String {
    let mut table = Table::new();
    let header = ["image", "name", "state", "architecture", "made", "until"];
    table.load_style(UTF8_BORDERS_ONLY).set_header(header);
    for image in images {
        let time = |at: &Option<_>| at.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        table.add_row([
            image.id.as_str(),
            &image.name,
            &image.state,
            &image.architecture,
            &time(&image.created_at),
            &time(&image.deprecated_at),
        ]);
    }
    table.to_string()
}
