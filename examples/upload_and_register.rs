//! From a file to a machine: a small disk image, made by `qemu-img` where none is given, is uploaded, registered, and launched.
//!
//! ```sh
//! cargo run --example upload_and_register
//! cargo run --example upload_and_register -- --file web.vmdk
//! EC2_STORIES_LIVE=1 cargo run --example upload_and_register -- --cloud aws --bucket my-images --file web.vmdk
//! ```
//!
//! Ends with: nothing is left

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use ec2_stories::ec2::Publish;
use ec2_stories::image::{ImageSource, ImageSpec};
use ec2_stories::prelude::*;
use ec2_stories::s3::BucketSpec;
use ec2_stories::s3::upload::S3Images;
use ec2_stories::terminal::{self, Progress, Transfer, say};
use tokio::sync::watch;

/// Uploads a disk image, registers it, launches it, and takes everything down again.
#[derive(Parser)]
struct Args {
    /// The disk image: raw, VHD, VHDX or stream-optimized VMDK.
    #[arg(long)]
    file: Option<PathBuf>,
    /// The bucket that it goes through; it is made, and removed in the end, if it is not there.
    #[arg(long, default_value = "upload-and-register")]
    bucket: String,
    /// Where to work.
    #[arg(long, value_enum, default_value = "embedded")]
    cloud: common::On,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let common::Place { ec2, clock, sim } = args.cloud.open().await?;
    let s3 = match &sim {
        Some(sim) => S3::from_config(&sim.sdk_config()),
        None => S3::connect(Arc::new(DefaultChain::new())).await?,
    };
    let folder = tempfile::tempdir().map_err(|error| io(&std::env::temp_dir(), &error))?;
    let file = args.file.map_or_else(|| make_disk(folder.path()), Ok)?;

    // What is wrong with a file is said before anything is sent.
    let source = ImageSource::open(&file)?;
    say(format_args!("{}: {}, a disk of {} bytes", file.display(), source.format(), source.virtual_bytes()));
    source.warnings().iter().for_each(say);

    let is_ours = s3.find_bucket(&args.bucket).await?.is_none();
    if is_ours {
        s3.create_bucket(&BucketSpec::builder().name(&args.bucket).build()?).await?;
    }
    // The same journal covers the upload, the import and what follows: killed anywhere, the next run goes on.
    let journal: Arc<dyn TupleStore> = Arc::new(FileStore::open(folder.path().join("journal"))?);
    let images = S3Images::builder().s3(s3.clone()).bucket(&args.bucket).journal(journal.clone()).build();
    let publish = Publish::builder()
        .ec2(ec2.clone())
        .uploader(Arc::new(images))
        .journal(journal)
        .spec(ImageSpec::named("upload-and-register"))
        .build()?;
    let progress = watch::Sender::default();
    let bar = Transfer::of_image(progress.subscribe());
    let publication = publish.run_with(&source, &progress).await?;
    drop(bar);
    say(&publication);
    let nothing_registered = || Error::new(ErrorKind::Unexpected, "a publication without an image");
    let image = publication.image().ok_or_else(nothing_registered)?;

    let deployment = Deployment::builder()
        .name("upload-and-register")
        .cloud(ec2.clone())
        .journal(MemoryStore::new())
        .clock(clock)
        .fleet(Fleet::builder().name("web").nodes(1).image(image).build()?)
        .build()?;
    let running = deployment.start().await?;
    let shown = Progress::follow(&running);
    running.ready().await?;
    shown.finish().await;
    say(terminal::nodes(&running.nodes()));
    running.terminate().await?.assert_clean();

    publish.remove().await?;
    let bucket = s3.bucket(&args.bucket);
    bucket.delete(&format!("images/{}", publication.content_hash)).await?;
    if is_ours {
        bucket.delete_bucket().await?;
    }
    if let Some(sim) = sim {
        sim.assert_clean();
    }
    say("nothing is left");
    Ok(())
}

/// A disk of 64 MiB without a system, as a stream-optimized VMDK.
fn make_disk(folder: &Path) -> Result<PathBuf> {
    let (raw, file) = (folder.join("disk.raw"), folder.join("disk.vmdk"));
    let content: Vec<u8> =
        (0..1_u32 << 20).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    std::fs::write(&raw, content).map_err(|error| io(&raw, &error))?;
    let path = |path: &Path| path.as_os_str().to_owned();
    qemu_img(["resize".into(), "-q".into(), "-f".into(), "raw".into(), path(&raw), "64M".into()])?;
    let options = ["convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized"].map(Into::into);
    qemu_img(options.into_iter().chain([path(&raw), path(&file)]))?;
    Ok(file)
}

fn qemu_img(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<()> {
    let ended = Command::new("qemu-img").args(arguments).status();
    let ended = ended.map_err(|error| {
        Error::new(ErrorKind::Io, "cannot be run; it comes with the package qemu-utils")
            .on("qemu-img")
            .because(error)
    })?;
    if ended.success() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Failed, ended.to_string()).on("qemu-img"))
}

fn io(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Io, error.to_string()).on(path.display().to_string())
}
