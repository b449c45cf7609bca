//! `ec2-stories image register`

use std::io::Read;
use std::path::Path;

use ec2_stories::provider::{ImageRegistry, UploadedImage};
use ec2_stories::terminal::{Interrupts, note, say};

use super::args::{At, RegisterArgs, in_flags};
use super::place::Place;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;

pub(super) async fn run(at: At, args: RegisterArgs) -> Result<Exit, Failure> {
    let uploaded = read(&args.uploaded)?;
    let spec = args.spec.spec()?;
    let place = Place::open_lasting(&at, &["EC2"]).await?;
    let mut interrupts = Interrupts::listen()?;
    let image = tokio::select! {
        image = place.ec2.register(&uploaded, &spec) => image.map_err(in_flags)?,
        () = interrupts.next() => {
            note("stopped; the same command goes on where it was");
            return Ok(Exit::Interrupted);
        }
    };
    if at.json {
        say(render::json(&image)?);
    } else {
        say(format_args!("{} in {}: {}", image.name, place.ec2.region(), image.id));
    }
    Ok(Exit::Done)
}

/// What `upload --json` printed.
fn read(file: &Path) -> Result<UploadedImage, Failure> {
    let wrong = |why: String| Failure::new(Exit::Usage, format!("{}: {why}", file.display()));
    let mut text = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut text)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut text))
    };
    read.map_err(|error| wrong(error.to_string()))?;
    serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("is not what `image upload --json` prints: {error}")))
}
