//! What is probed: one server behind as many addresses of this machine as are wanted.

use std::net::Ipv4Addr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::{Child, Command};

use crate::Outcome;

const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\nok\n";
const WAITING: u32 = 4096;

/// The server's process; it ends when this is dropped.
pub(crate) struct Targets {
    pub(crate) port: u16,
    _process: Child,
}

impl Targets {
    pub(crate) async fn start() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--serve").stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).await?;
        Ok(Self { port: line.trim().parse()?, _process: process })
    }
}

/// The address of a target; each has its own.
pub(crate) fn address(target: u32) -> Ipv4Addr {
    let [_, high, middle, low] = target.to_be_bytes();
    Ipv4Addr::new(127, high + 1, middle, low)
}

/// Serves until it is killed. It listens on every address, and on the loopback device alone.
pub(crate) async fn serve() -> Outcome<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind_device(Some(b"lo"))?;
    socket.bind((Ipv4Addr::UNSPECIFIED, 0).into())?;
    let listener = socket.listen(WAITING)?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer(stream));
    }
}

async fn answer(mut stream: TcpStream) {
    let mut request = [0; 1024];
    // A probe of the port alone says nothing.
    if let Ok(1..) = stream.read(&mut request).await {
        let _ = stream.write_all(PAGE).await;
        let _ = stream.shutdown().await;
    }
}
