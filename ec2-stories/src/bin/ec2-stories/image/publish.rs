//! `ec2-stories image publish`

use std::sync::Arc;
use std::time::Duration;

use ec2_stories::ec2::{Publish, Stage};
use ec2_stories::image::{Encryption, ImageSource};
use ec2_stories::terminal::{Interrupts, note, say};
use tokio::time::MissedTickBehavior;

use super::args::{At, PublishArgs, in_flags};
use super::place::{Place, services};
use super::uploader::{Uploader, Way};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;

/// How often it is looked what is being done: often enough for who watches, seldom enough for the disk.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(at: At, args: PublishArgs) -> Result<Exit, Failure> {
    let PublishArgs { file, spec, way, share, copy_to, deprecate_at, journal } = args;
    let source = ImageSource::open(&file)?;
    let spec = spec.spec()?;
    if !share.is_empty() && spec.encryption == Encryption::DefaultKey {
        let why = "--share needs --kms-key, a key that the accounts may use, or --unencrypted";
        return Err(Failure::new(Exit::Usage, why));
    }
    if !share.is_empty() && spec.encryption.is_on() && copy_to.iter().any(|copy| copy.key.is_none()) {
        let why = "with --share, a copy needs a key that the accounts may use: --copy-to REGION=KEY, or take --unencrypted";
        return Err(Failure::new(Exit::Usage, why));
    }
    let services = services(way.bucket.is_some());
    let way = Way::of(&way, spec.encryption.clone());
    way.check(&source)?;
    let place = Place::open(&at, services).await?;
    let journal = place.journal(&file, journal.journal.as_deref())?;
    let keys = copy_to.iter().filter_map(|copy| Some((copy.region.clone(), copy.key.clone()?)));
    let keys: Vec<_> = keys.collect();
    let publish = Publish::builder()
        .ec2(place.ec2.clone())
        .uploader(Arc::new(Uploader::new(way, &place.ec2, &place.s3, journal.clone())))
        .journal(journal)
        .spec(spec)
        .share(share)
        .copy_to(copy_to.into_iter().map(|copy| copy.region))
        .copy_keys(keys)
        .maybe_deprecate_at(deprecate_at)
        .build()
        .map_err(in_flags)?;
    let mut interrupts = Interrupts::listen()?;
    let publication = tokio::select! {
        publication = publish.run(&source) => publication?,
        failed = tell(&publish) => return Err(failed),
        () = interrupts.next() => {
            note("stopped; the same command goes on where it was, `ec2-stories image remove` takes down what is there");
            return Ok(Exit::Interrupted);
        }
    };
    if at.json {
        say(render::json(&publication)?);
    } else {
        say(&publication);
    }
    Ok(Exit::Done)
}

/// Tells what is being done; ends only where the journal cannot be read.
async fn tell(publish: &Publish) -> Failure {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        looks.tick().await;
        let stage = match publish.state().await {
            Ok(state) => state.map(|publication| publication.stage),
            Err(error) => return error.into(),
        };
        if stage != told {
            match &stage {
                Some(Stage::Registering) => note("waiting for the snapshot and the image"),
                Some(Stage::Sharing) => note("sharing"),
                Some(Stage::Copying(region)) => note(format_args!("copying to {region}")),
                // The upload tells for itself, and the end is told at the end.
                Some(Stage::Uploading | Stage::Published) | None => {}
            }
            told = stage;
        }
    }
}
