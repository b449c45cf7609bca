//! How far a transfer is.

use std::io::IsTerminal;

use futures::{Stream, StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::provider::UploadProgress;
use crate::s3::Progress;

/// A bar on standard error, where that is a terminal; nothing elsewhere. It is gone when it is dropped.
#[derive(Debug)]
pub struct Transfer {
    bar: ProgressBar,
    follower: JoinHandle<()>,
}

impl Transfer {
    /// Shows what the stream says until it ends.
    #[must_use]
    pub fn follow(progress: impl Stream<Item = Progress> + Send + Unpin + 'static) -> Self {
        let bar =
            if std::io::stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let style = "{bar:24} {bytes}/{total_bytes} {bytes_per_sec} {eta:>4}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is fixed"));
        let follower = tokio::spawn(show(progress, bar.clone()));
        Self { bar, follower }
    }

    /// Shows how far the upload of an image is.
    #[must_use]
    pub fn of_image(progress: watch::Receiver<UploadProgress>) -> Self {
        let news = stream::unfold(progress, async |mut progress| {
            progress.changed().await.ok()?;
            let UploadProgress { acknowledged, total } = *progress.borrow_and_update();
            Some((Progress { acknowledged, total: Some(total), ..Progress::default() }, progress))
        });
        Self::follow(Box::pin(news))
    }
}

async fn show(mut progress: impl Stream<Item = Progress> + Unpin, bar: ProgressBar) {
    while let Some(Progress { acknowledged, total, .. }) = progress.next().await {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(acknowledged);
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.follower.abort();
        self.bar.finish_and_clear();
    }
}
