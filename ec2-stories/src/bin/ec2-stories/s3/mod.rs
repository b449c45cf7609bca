//! `ec2-stories s3`

mod address;
mod args;
mod connect;
mod gc;
mod get;
mod ls;
mod put;
mod rm;

pub(crate) use args::S3Args;

use args::S3Command;

use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) async fn run(args: S3Args) -> Result<Exit, Failure> {
    let S3Args { command, at } = args;
    match command {
        S3Command::Put(put) => put::run(at, put).await,
        S3Command::Get(get) => get::run(at, get).await,
        S3Command::Ls(ls) => ls::run(at, ls).await,
        S3Command::Rm(rm) => rm::run(at, rm).await,
        S3Command::Gc(gc) => gc::run(at, gc).await,
    }
}
