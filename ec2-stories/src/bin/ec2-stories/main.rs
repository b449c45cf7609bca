//! The command line of EC2 Stories.

mod args;
mod control;
mod exit;
mod failure;
mod live;
mod lock;
mod log;
mod nodes;
mod patience;
mod render;
mod session;
mod stdin;

mod copy;
mod detach;
mod image;
mod order;
mod ping;
mod plan;
mod run;
mod s3;
mod shell;
mod sim;
mod start;
mod status;
mod sweep;
mod terminate;
mod update;

use std::process::ExitCode;

use clap::Parser;
use ec2_stories::terminal::{note, say};

use args::{Cli, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.command.json();
    log::init();
    let ended = match cli.command {
        Command::Plan(on) => plan::run(on).await,
        Command::Start { on, detach } => start::run(on, detach).await,
        Command::Status(on) => status::run(on).await,
        Command::Ping { on, deep } => ping::run(on, deep).await,
        Command::Terminate(on) => terminate::run(on).await,
        Command::Detach(on) => detach::run(on).await,
        Command::Sweep(on) => sweep::run(on).await,
        Command::Update { on, detach } => update::run(on, detach).await,
        Command::Scale(args) => order::scale(args).await,
        Command::Pause(args) => order::pause(args).await,
        Command::Resume(on) => order::resume(on).await,
        Command::Hold(args) => order::hold(args).await,
        Command::Release(args) => order::release(args).await,
        Command::Quarantine(args) => order::quarantine(args).await,
        Command::Replace(args) => order::replace(args).await,
        Command::Image(args) => image::run(args).await,
        Command::S3(args) => s3::run(args).await,
        Command::Run(args) => run::run(args).await,
        Command::Copy(args) => copy::run(args).await,
        Command::Shell(args) => shell::run(args).await,
        Command::Sim(args) => sim::run(args).await,
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            note(format_args!("error: {}", failure.message));
            if json {
                say(serde_json::json!({ "error": failure.message, "exit": failure.exit as u8 }));
            }
            failure.exit.into()
        }
    }
}
