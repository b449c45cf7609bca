//! What is done to nodes, and leaves traces on the disk that every controller sees.

use std::fs;
use std::path::PathBuf;

use async_trait::async_trait;
use ec2_stories::prelude::*;
use ec2_stories::provider::{Node, Registration, StepOutcome, StepReport};

use super::boundary::Boundaries;

/// Writes a file for each instance.
#[derive(Debug)]
pub(super) struct Marks {
    pub(super) folder: PathBuf,
    pub(super) boundaries: Boundaries,
    /// What is written: another text is another step.
    pub(super) text: &'static str,
}

impl Marks {
    fn file(&self, node: &Node) -> PathBuf {
        self.folder.join("marks").join(node.instance.id.as_str())
    }
}

#[async_trait]
impl Customizer for Marks {
    fn name(&self) -> String {
        format!("mark {}", self.text)
    }

    async fn customize(&self, node: &Node) -> Result<Vec<StepReport>> {
        let mark = async {
            fs::create_dir_all(self.folder.join("marks")).unwrap();
            fs::write(self.file(node), self.text).unwrap();
        };
        self.boundaries.around(&format!("customize {}", node.address), mark).await;
        Ok(vec![StepReport { step: "mark".to_owned(), outcome: StepOutcome::Changed }])
    }

    async fn undo(&self, node: &Node) -> Result<Vec<StepReport>> {
        let undo = async { fs::remove_file(self.file(node)).is_ok() };
        let undone = self.boundaries.around(&format!("undo {}", node.address), undo).await;
        let outcome = if undone { StepOutcome::Changed } else { StepOutcome::Unchanged };
        Ok(vec![StepReport { step: "mark".to_owned(), outcome }])
    }
}

/// A file for each name that stands for something.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) folder: PathBuf,
    pub(super) boundaries: Boundaries,
}

impl Names {
    /// The names that stand for something, and for what.
    pub(super) fn standing(folder: &std::path::Path) -> Vec<(String, String)> {
        let Ok(files) = fs::read_dir(folder.join("names")) else { return Vec::new() };
        let mut standing: Vec<_> = files
            .map(|file| file.unwrap())
            .map(|file| (file.file_name().into_string().unwrap(), fs::read_to_string(file.path()).unwrap()))
            .collect();
        standing.sort();
        standing
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join("names").join(name)
    }
}

#[async_trait]
impl Registrar for Names {
    fn name(&self) -> String {
        "names".to_owned()
    }

    async fn register(&self, node: &Node) -> Result<Registration> {
        let name = format!("{}-{}", node.address.fleet, node.address.slot);
        let value = node.instance.id.to_string();
        let write = async {
            fs::create_dir_all(self.folder.join("names")).unwrap();
            fs::write(self.file(&name), &value).unwrap();
        };
        self.boundaries.around(&format!("register {}", node.address), write).await;
        Ok(Registration { node: node.address.clone(), name, value })
    }

    async fn refresh(&self, _: &Registration) -> Result<()> {
        Ok(())
    }

    async fn deregister(&self, registration: &Registration) -> Result<()> {
        let remove = async {
            let file = self.file(&registration.name);
            if fs::read_to_string(&file).is_ok_and(|value| value == registration.value) {
                fs::remove_file(file).unwrap();
            }
        };
        self.boundaries.around(&format!("deregister {}", registration.node), remove).await;
        Ok(())
    }
}
