//! Why a command ended early.

use ec2_stories::Error;
use ec2_stories::story::StoryError;

use crate::exit::Exit;

/// An error and the exit code that it ends the program with.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Exit::Failed, error.chain())
    }
}

impl From<StoryError> for Failure {
    fn from(error: StoryError) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }
}
