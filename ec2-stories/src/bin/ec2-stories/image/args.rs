//! The arguments of `ec2-stories image`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ec2_stories::image::{BootMode, Encryption, ImageSpec};
use ec2_stories::model::{Architecture, Region, Tags};
use ec2_stories::{Error, ErrorKind};
use jiff::Timestamp;

use crate::args::CloudKind;
use crate::exit::Exit;
use crate::failure::Failure;

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
    /// Encrypt the snapshot with this key of AWS KMS, by its ARN or its id, not with the account's default key.
    #[arg(long, value_name = "KEY", conflicts_with = "unencrypted", value_parser = key)]
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
    /// Another region that gets a copy, and a key of AWS KMS there that encrypts it; may be given several times.
    #[arg(long, value_name = "REGION[=KEY]", value_parser = copy)]
    pub(super) copy_to: Vec<CopyTo>,
    /// From when on it is not to be used any more, such as 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
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
    /// Remove the uploaded objects from this bucket too; a publication's journal knows its own.
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
    pub(super) fn spec(&self) -> Result<ImageSpec, Failure> {
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
            .map_err(in_flags)
    }
}

/// Says of a refused field what it is called on the command line.
pub(super) fn in_flags(error: Error) -> Failure {
    let (ErrorKind::Invalid, Some(field)) = (error.kind(), error.resource()) else { return error.into() };
    let told = error.chain();
    let why = told.strip_prefix(&format!("{field}: ")).unwrap_or(&told);
    let Some((_, name)) = field.rsplit_once("image.").or_else(|| field.rsplit_once("publish.")) else {
        return Failure::new(Exit::Usage, told);
    };
    let (name, inner) = name.split_once('.').map_or((name, ""), |(name, inner)| (name, inner));
    let flag = match name {
        "tags" => format!("--tag {inner}"),
        "encryption" => "--kms-key, --unencrypted".to_owned(),
        name => format!("--{}", name.replace('_', "-")),
    };
    let why = why.replace("boot_mode ", "--boot-mode ");
    Failure::new(Exit::Usage, format!("{flag}: {why}"))
}

/// A region that gets a copy.
#[derive(Clone, Debug)]
pub(super) struct CopyTo {
    pub(super) region: Region,
    pub(super) key: Option<String>,
}

fn copy(text: &str) -> Result<CopyTo, String> {
    let (region, key) = match text.split_once('=') {
        Some((region, of_region)) => (region, Some(key(of_region)?)),
        None => (text, None),
    };
    match region {
        "" => Err("a region such as eu-west-1".to_owned()),
        region => Ok(CopyTo { region: Region::new(region), key }),
    }
}

fn key(text: &str) -> Result<String, String> {
    let checked = Encryption::Key(text.to_owned()).check("key");
    checked.map_err(|error| error.message().trim_start_matches("key: ").to_owned())?;
    Ok(text.to_owned())
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "a time with its zone, such as 2027-01-01T00:00:00Z".to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_field_is_named_by_its_flag() {
        let told = |field: &str, why: &str| in_flags(Error::invalid(field, why)).message;
        assert_eq!(told("image.name", "3 to 128 of A-Z"), "--name: 3 to 128 of A-Z");
        assert_eq!(told("image.tpm", "needs boot_mode uefi"), "--tpm: needs --boot-mode uefi");
        assert_eq!(told("publish.copy_to", "names it"), "--copy-to: names it");
        assert_eq!(told("image.tags.aws:x", "is AWS's"), "--tag aws:x: is AWS's");
        assert_eq!(told("disk.vmdk", "is damaged"), "disk.vmdk: is damaged");
    }

    #[test]
    fn times_and_keys_are_refused_in_plain_words() {
        assert!(time("2027-01-01T00:00:00Z").is_ok());
        assert_eq!(time("tomorrow").unwrap_err(), "a time with its zone, such as 2027-01-01T00:00:00Z");
        assert!(key("alias/shop").unwrap_err().contains("\"alias/shop\" is an alias"));
        let copy = copy("eu-west-1=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0").unwrap();
        assert_eq!((copy.region.as_str(), copy.key.is_some()), ("eu-west-1", true));
        assert!(super::copy("=x").is_err() && super::copy("eu-west-1=alias/x").is_err());
    }
}
