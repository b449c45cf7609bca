//! The arguments of `ec2-stories s3`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::address::Address;

#[derive(Debug, Args)]
pub(crate) struct S3Args {
    #[command(subcommand)]
    pub(super) command: S3Command,
    #[command(flatten)]
    pub(super) at: At,
}

impl S3Args {
    /// Whether it prints for programs.
    pub(crate) fn json(&self) -> bool {
        self.at.json
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum S3Command {
    /// Store a file, or what comes from standard input.
    Put(PutArgs),
    /// Fetch an object into a file, or to standard output.
    Get(GetArgs),
    /// List buckets, or what is in one.
    Ls(LsArgs),
    /// Remove an object, or all below a prefix.
    Rm(RmArgs),
    /// Remove the parts of uploads that were never completed.
    Gc(GcArgs),
}

/// What every command on S3 takes.
#[derive(Debug, Args)]
pub(super) struct At {
    /// Where the server answers, instead of AWS.
    #[arg(long, value_name = "URL", global = true)]
    pub(super) endpoint: Option<String>,
    /// The region, instead of the account's.
    #[arg(long, global = true)]
    pub(super) region: Option<String>,
    /// Print JSON for programs: one document, or one a line.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PutArgs {
    /// The file; `-` is standard input.
    pub(super) file: PathBuf,
    /// Where to, as s3://bucket/key; a key that ends in a slash, or none, gets the file's name.
    pub(super) to: Address,
    /// Fail when the object exists.
    #[arg(long)]
    pub(super) create_only: bool,
    /// Its media type.
    #[arg(long, value_name = "TYPE")]
    pub(super) content_type: Option<String>,
    /// Where to remember how far a file's upload is, so that it goes on when the process is killed.
    #[arg(long, value_name = "DIR", default_value = ".ec2-stories")]
    pub(super) state: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct GetArgs {
    /// The object, as s3://bucket/key.
    pub(super) from: Address,
    /// The file, or a folder; `-` is standard output.
    #[arg(default_value = ".")]
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct LsArgs {
    /// What to list, as s3://bucket/prefix; the buckets where not given.
    pub(super) below: Option<Address>,
    /// List what is in folders too.
    #[arg(long, short)]
    pub(super) recursive: bool,
}

#[derive(Debug, Args)]
pub(super) struct RmArgs {
    /// The object, as s3://bucket/key.
    pub(super) object: Address,
    /// Remove all whose keys begin with this one.
    #[arg(long, short)]
    pub(super) recursive: bool,
}

#[derive(Debug, Args)]
pub(super) struct GcArgs {
    /// Where, as s3://bucket/prefix.
    pub(super) below: Address,
    /// How long ago an upload must have begun, such as 12h or 7d.
    #[arg(long, value_name = "AGE", default_value = "1d", value_parser = age)]
    pub(super) older_than: Duration,
    /// Say which, and remove nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
}

fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "a number and s, m, h or d, such as 12h".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_and_a_unit() {
        assert_eq!(age("90m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(age("0s"), Ok(Duration::ZERO));
        assert_eq!(age("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in ["", "7", "d", "-1d", "1w", "1.5h", "99999999999999999999d", "1ä"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
