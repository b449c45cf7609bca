//! `ec2-stories image`

mod args;
mod list;
mod place;
mod publish;
mod register;
mod remove;
mod upload;
mod uploader;

pub(crate) use args::ImageArgs;
pub(crate) use uploader::{Uploader, Way};

use args::ImageCommand;

use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) async fn run(args: ImageArgs) -> Result<Exit, Failure> {
    let ImageArgs { command, at } = args;
    match command {
        ImageCommand::Upload(upload) => upload::run(at, upload).await,
        ImageCommand::Register(register) => register::run(at, register).await,
        ImageCommand::Publish(publish) => publish::run(at, *publish).await,
        ImageCommand::List => list::run(at).await,
        ImageCommand::Remove(remove) => remove::run(at, remove).await,
    }
}
