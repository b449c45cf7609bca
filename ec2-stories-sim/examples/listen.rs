//! Serves a simulated EC2 to any SDK: `cargo run -p ec2-stories-sim --example listen [ADDR]`.
#![allow(clippy::print_stdout)] // A program for the terminal.

use ec2_stories_sim::Sim;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned()).parse()?;
    let listener = Sim::builder().seed(7).build().listen(addr).await?;
    println!("listening on {}", listener.url());
    tokio::signal::ctrl_c().await?;
    listener.shutdown().await;
    Ok(())
}
