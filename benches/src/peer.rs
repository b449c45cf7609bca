//! The peers: Python packages at pinned versions, installed by the benchmark itself.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A virtual environment with a benchmark's peers, in a folder that git ignores.
#[derive(Debug)]
pub struct Peers {
    venv: PathBuf,
}

impl Peers {
    /// Makes the environment where it is missing and installs the packages (`name==version`).
    ///
    /// # Errors
    /// When Python or pip fails; their own output says why.
    pub fn install(packages: &[&str]) -> io::Result<Self> {
        let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.peers/benches");
        let peers = Self { venv };
        if !peers.python().exists() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&peers.venv))?;
        }
        run(Command::new(peers.python()).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
        Ok(peers)
    }

    /// The environment's Python.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.venv.join("bin/python")
    }

    /// A script of `benches/peers`.
    #[must_use]
    pub fn script_path(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
    }

    /// The folder of an installed package. The programs in it are measured themselves, not the wrappers around them.
    ///
    /// # Errors
    /// When Python cannot be started or does not know the package.
    pub fn package(&self, name: &str) -> io::Result<PathBuf> {
        let code = format!("import {name}; print({name}.__path__[0])");
        let output = Command::new(self.python()).args(["-c", &code]).stderr(Stdio::inherit()).output()?;
        if output.status.success() {
            Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
        } else {
            Err(io::Error::other(format!("{code}: {}", output.status)))
        }
    }

    /// Runs a script of `benches/peers` and returns what it printed. Ambient AWS settings do not reach it.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    pub fn script(&self, name: &str, arguments: &[String]) -> io::Result<String> {
        let mut command = Command::new(self.python());
        command.arg(Self::script_path(name)).args(arguments);
        for (key, _) in std::env::vars_os() {
            if key.to_string_lossy().starts_with("AWS_") {
                command.env_remove(key);
            }
        }
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(io::Error::other(format!("{name}: {}", output.status)))
        }
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command.stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{command:?}: {status}"))) }
}
