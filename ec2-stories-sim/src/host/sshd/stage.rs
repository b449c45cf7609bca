//! What the first boot does: scripts that the user data becomes.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::super::user_data::{Command, File, UserData};
use super::files::{quoted, write};

/// Writes `early.sh`, which runs before anyone can log in, and `late.sh`, which runs beside the server.
///
/// In both the working folder is the instance's, so that staged files have short names.
pub(super) fn write_scripts(folder: &Path, user_data: &UserData) -> io::Result<()> {
    let config = &user_data.config;
    let mut early = "set -u\n".to_owned();
    for problem in &user_data.problems {
        let _ = writeln!(early, "echo {}", quoted(&format!("[WARNING]: {problem}")));
    }
    for (index, file) in config.write_files.iter().enumerate() {
        match file.content() {
            Ok(content) => {
                let name = format!("file-{index}");
                write(&folder.join(&name), &content, 0o600)?;
                early.push_str(&place(&format!("stage/{name}"), file));
            }
            Err(problem) => {
                let _ = writeln!(early, "echo {}", quoted(&format!("[WARNING]: {problem}")));
            }
        }
    }
    if !config.bootcmd.is_empty() {
        write(&folder.join("bootcmd"), script(&config.bootcmd).as_bytes(), 0o700)?;
    }
    let mut late = "failed=0\n".to_owned();
    let mut run = |name: &str, content: &[u8]| -> io::Result<()> {
        write(&folder.join(name), content, 0o700)?;
        let _ = writeln!(late, "stage/{name} || {{ echo '[WARNING]: {name} failed'; failed=1; }}");
        Ok(())
    };
    if !config.runcmd.is_empty() {
        run("runcmd", script(&config.runcmd).as_bytes())?;
    }
    for (index, content) in user_data.scripts.iter().enumerate() {
        run(&format!("part-{:03}", index + 1), content)?;
    }
    late.push_str("exit $failed\n");
    write(&folder.join("early.sh"), early.as_bytes(), 0o600)?;
    write(&folder.join("late.sh"), late.as_bytes(), 0o600)
}

/// Source: cc_write_files: mode 0644 and root, unless said otherwise.
fn place(staged: &str, file: &File) -> String {
    let path = quoted(&file.path);
    let mode = quoted(file.permissions.as_deref().unwrap_or("0644"));
    let put = if file.append { format!("cat {staged} >>{path}") } else { format!("cat {staged} >{path}") };
    let own = file.owner.as_deref().map(|owner| format!(" && chown {} {path}", quoted(owner)));
    format!(
        "{{ mkdir -p \"$(dirname {path})\" && {put} && chmod {mode} {path}{}; }} || echo '[WARNING]: write_files: '{path}' failed'\n",
        own.unwrap_or_default()
    )
}

/// Source: cc_runcmd: each item runs with `sh`, a list as arguments.
fn script(commands: &[Command]) -> String {
    let lines = commands.iter().map(|command| match command {
        Command::Line(line) => line.clone(),
        Command::Argv(words) => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    });
    std::iter::once("#!/bin/sh".to_owned()).chain(lines).map(|line| line + "\n").collect()
}
