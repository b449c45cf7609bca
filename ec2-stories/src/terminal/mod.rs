//! What a program shows its user: progress, tables, and the way it is interrupted.
//!
//! Results go to standard output, progress to standard error.

mod interrupt;
mod output;
mod pipe;
mod progress;
mod table;
mod transfer;

pub use interrupt::{Interrupts, interrupted};
pub use output::{note, say};
pub use pipe::{input, output};
pub use progress::Progress;
pub use table::{images, nodes};
pub use transfer::Transfer;
