//! The arguments of `ec2-stories image`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ec2_stories::image::{BootMode, Encryption, ImageSpec};
use ec2_stories::model::{Architecture, Region, Tags};
use jiff::Timestamp;

use crate::args::CloudKind;

#[derive(Debug, Args)]
pub(crate) struct ImageArgs {
    #[command(subcommand)]
    pub(super) command: ImageCommand,
    #[command(flatten)]
    pub(super) at: At,
}

impl ImageArgs {
    /// Whether it prints for programs.
    pub(crate) fn json(&self) -> bool {
        self.at.json
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum ImageCommand {
    /// Bring a disk image's file to the cloud.
    Upload(UploadArgs),
    /// Make a machine image of what `upload --json` printed.
    Register(RegisterArgs),
    /// Upload a file, register it, share it and copy it to other regions; goes on where it was cut off.
    Publish(Box<PublishArgs>),
    /// List the account's images that were made of files.
    List,
    /// Remove images with their snapshots, and what a publication that was cut off has left.
    Remove(RemoveArgs),
}

/// What every command on images takes.
#[derive(Debug, Args)]
pub(super) struct At {
    /// Which cloud.
    #[arg(long, value_enum, default_value_t = CloudKind::Aws, global = true)]
    pub(super) cloud: CloudKind,
    /// The region, instead of the account's.
    #[arg(long, global = true)]
    pub(super) region: Option<String>,
    /// Print JSON for programs: one document.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// How a file comes to the cloud.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct WayArgs {
    /// Through this bucket, which is made if it is not there; EC2 imports from it.
    #[arg(long, value_name = "NAME")]
    pub(super) bucket: Option<String>,
    /// Straight into a snapshot, without a bucket or a role; raw images only.
    #[arg(long)]
    pub(super) direct: bool,
}

#[derive(Debug, Args)]
pub(super) struct JournalArgs {
    /// Where to remember how far it is [default: .ec2-stories/images beside the file]
    #[arg(long, value_name = "DIR")]
    pub(super) journal: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct EncryptionArgs {
    /// Encrypt the snapshot with this key of AWS KMS, not with the account's default key.
    #[arg(long, value_name = "KEY", conflicts_with = "unencrypted")]
    kms_key: Option<String>,
    /// Do not encrypt the snapshot.
    #[arg(long)]
    unencrypted: bool,
}

impl EncryptionArgs {
    pub(super) fn encryption(&self) -> Encryption {
        match &self.kms_key {
            Some(key) => Encryption::Key(key.clone()),
            None if self.unencrypted => Encryption::Off,
            None => Encryption::DefaultKey,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct UploadArgs {
    /// The file: raw, VHD, VHDX or stream-optimized VMDK.
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) way: WayArgs,
    #[command(flatten)]
    pub(super) encryption: EncryptionArgs,
    #[command(flatten)]
    pub(super) journal: JournalArgs,
}

#[derive(Debug, Args)]
pub(super) struct RegisterArgs {
    /// What `upload --json` printed, in a file; `-` is standard input.
    pub(super) uploaded: PathBuf,
    #[command(flatten)]
    pub(super) spec: SpecArgs,
}

#[derive(Debug, Args)]
pub(super) struct PublishArgs {
    /// The file: raw, VHD, VHDX or stream-optimized VMDK.
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) spec: SpecArgs,
    #[command(flatten)]
    pub(super) way: WayArgs,
    /// An account that may launch it, with --kms-key or --unencrypted; may be given several times.
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    pub(super) share: Vec<String>,
    /// Another region that gets a copy; may be given several times.
    #[arg(long, value_name = "REGION")]
    pub(super) copy_to: Vec<Region>,
    /// From when on it is not to be used any more, such as 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(super) deprecate_at: Option<Timestamp>,
    #[command(flatten)]
    pub(super) journal: JournalArgs,
}

#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// Ids or names of images.
    #[arg(required = true, value_name = "IMAGE")]
    pub(super) images: Vec<String>,
    /// A region whose copies of them go too; may be given several times.
    #[arg(long, value_name = "REGION")]
    pub(super) copies_in: Vec<Region>,
    /// Remove the uploaded objects from this bucket too.
    #[arg(long, value_name = "NAME")]
    pub(super) bucket: Option<String>,
    /// The file that was published: what an unfinished upload of it left goes too.
    #[arg(long)]
    pub(super) file: Option<PathBuf>,
    /// The publication's journal [default: .ec2-stories/images beside the file, where one is given]
    #[arg(long, value_name = "DIR")]
    pub(super) journal: Option<PathBuf>,
}

/// How an image is registered.
#[derive(Debug, Args)]
pub(super) struct SpecArgs {
    /// Its name, unique in the account and region.
    #[arg(long)]
    name: String,
    /// What it is, for people.
    #[arg(long)]
    description: Option<String>,
    /// Its architecture.
    #[arg(long, value_enum, default_value_t = Processor::X86_64)]
    architecture: Processor,
    /// How it boots [default: legacy-bios on x86_64, uefi on arm64]
    #[arg(long, value_enum)]
    boot_mode: Option<Boot>,
    /// Its instances get a trusted platform module; needs UEFI.
    #[arg(long)]
    tpm: bool,
    /// The device of its root volume.
    #[arg(long, value_name = "DEVICE", default_value = "/dev/xvda")]
    root_device: String,
    /// A tag of it and of its snapshots; may be given several times.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
    #[command(flatten)]
    encryption: EncryptionArgs,
}

impl SpecArgs {
    pub(super) fn spec(&self) -> ec2_stories::Result<ImageSpec> {
        ImageSpec::builder()
            .name(&self.name)
            .maybe_description(self.description.as_deref())
            .architecture(match self.architecture {
                Processor::X86_64 => Architecture::X86_64,
                Processor::Arm64 => Architecture::Arm64,
            })
            .maybe_boot_mode(self.boot_mode.map(|boot| match boot {
                Boot::LegacyBios => BootMode::LegacyBios,
                Boot::Uefi => BootMode::Uefi,
                Boot::UefiPreferred => BootMode::UefiPreferred,
            }))
            .tpm(self.tpm)
            .root_device(&self.root_device)
            .tags(self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Tags>())
            .encryption(self.encryption.encryption())
            .build()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Processor {
    #[value(name = "x86_64")]
    X86_64,
    Arm64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Boot {
    LegacyBios,
    Uefi,
    UefiPreferred,
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE".to_owned()),
    }
}

/// The id of an account, before anything is sent.
fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err("an account id has 12 digits".to_owned())
}
