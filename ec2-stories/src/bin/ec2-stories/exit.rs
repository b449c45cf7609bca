//! How the program ends.

use std::process::ExitCode;

/// How a command ended. The numbers are documented in `--help` and the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line or the story is wrong. clap uses this number too.
    Usage = 2,
    /// The plan has findings that would make the start fail.
    Unsound = 3,
    /// Something that bills may be left.
    NotClean = 4,
    /// Another controller has the deployment.
    Busy = 5,
    /// Stopped before it was done: 128 and SIGINT's number, as shells have it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// The end of `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
    0  done
    1  failed
    2  the command line or the story is wrong
    3  the plan found errors
    4  not clean: something may be left that bills
    5  another controller has the deployment
  130  interrupted before it was done

Environment:
  AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_EC2, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL_STS
      where the cloud answers, such as `ec2-stories sim`
  AWS_PROFILE, AWS_REGION, AWS_ACCESS_KEY_ID, …
      the account, unless the story has an [account]
  EC2_STORIES_LIVE=1
      allows a cloud beyond this machine
  EC2_STORIES_MY_ADDRESS
      what \"my-address\" is, without asking anyone
  EC2_STORIES_LOG
      what to log to standard error, such as ec2_stories=debug";
