//! `ec2-stories image upload`

use ec2_stories::image::ImageSource;
use ec2_stories::provider::ImageUploader;
use ec2_stories::terminal::{Interrupts, note, say};
use tokio::sync::watch;

use super::args::{At, UploadArgs};
use super::place::{Place, services};
use super::uploader::{Uploader, Way};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;

pub(super) async fn run(at: At, args: UploadArgs) -> Result<Exit, Failure> {
    let UploadArgs { file, way, encryption, journal } = args;
    let source = ImageSource::open(&file)?;
    let services = services(way.bucket.is_some());
    let way = Way::of(&way, encryption.encryption());
    way.check(&source)?;
    let place = Place::open(&at, services).await?;
    let journal = place.journal(&file, journal.journal.as_deref())?;
    let uploader = Uploader::new(way, &place.ec2, &place.s3, journal);
    let mut interrupts = Interrupts::listen()?;
    let uploaded = tokio::select! {
        uploaded = uploader.upload(&source, watch::Sender::default()) => uploaded?,
        () = interrupts.next() => {
            note("stopped; the same command goes on where it was");
            return Ok(Exit::Interrupted);
        }
    };
    if at.json {
        say(render::json(&uploaded)?);
    } else {
        say(format_args!("{}: {}", file.display(), uploaded.location));
    }
    Ok(Exit::Done)
}
