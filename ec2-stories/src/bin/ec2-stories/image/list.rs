//! `ec2-stories image list`

use ec2_stories::provider::ImageRegistry;
use ec2_stories::terminal::{self, say};

use super::args::At;
use super::place::Place;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;

pub(super) async fn run(at: At) -> Result<Exit, Failure> {
    let place = Place::open_lasting(&at, &["EC2"]).await?;
    let images = place.ec2.published().await?;
    if at.json {
        say(render::json(&serde_json::json!({ "images": images }))?);
    } else {
        say(terminal::images(&images));
    }
    Ok(Exit::Done)
}
