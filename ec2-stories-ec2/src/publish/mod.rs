//! From a file to images in every region, as one piece of work that can be cut off anywhere.

mod journal;
mod publication;
mod remove;
mod run;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bon::bon;
use ec2_stories_core::image::{Encryption, ImageSource, ImageSpec};
use ec2_stories_core::model::Region;
use ec2_stories_core::provider::{ImageUploader, TupleStore, UploadProgress};
use ec2_stories_core::{Error, Result};
use jiff::Timestamp;
use tokio::sync::watch;

use self::journal::Journal;
use crate::Ec2;
use crate::images::is_account;

pub use self::publication::{Copy, Publication, Stage};

/// Publishes an image: uploads the file, registers it, shares it, and copies it to other regions.
///
/// # Lifecycle
/// Before each step the journal says what is about to be done, after it what came of it. A process that dies at any point
/// is followed by another one that calls [`run`](Self::run) with the same name and file: it goes on, and does nothing
/// twice. A file whose content is registered under the name already is not uploaded. When it is done, running it again
/// makes up for what is missing, such as a region that was added.
///
/// [`remove`](Self::remove) takes all of it down, finished or not, the uploaded object included.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use ec2_stories_core::image::{ImageSource, ImageSpec};
/// # use ec2_stories_core::model::Region;
/// # use ec2_stories_core::store::FileStore;
/// # use ec2_stories_ec2::{Ec2, EbsUploader, Publish};
/// # async fn publish(ec2: Ec2) -> ec2_stories_core::Result<()> {
/// let journal = Arc::new(FileStore::open("publish.journal")?);
/// let publish = Publish::builder()
///     .uploader(Arc::new(EbsUploader::builder().ec2(&ec2).journal(journal.clone()).build()))
///     .ec2(ec2)
///     .journal(journal)
///     .spec(ImageSpec::named("web-7"))
///     .copy_to([Region::new("us-west-2")])
///     .build()?;
/// let publication = publish.run(&ImageSource::open("web.raw")?).await?;
/// println!("{publication}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Publish(Arc<Inner>);

struct Inner {
    ec2: Ec2,
    uploader: Arc<dyn ImageUploader>,
    journal: Journal,
    spec: ImageSpec,
    share: Vec<String>,
    copy_to: Vec<Region>,
    copy_keys: BTreeMap<Region, String>,
    deprecate_at: Option<Timestamp>,
}

#[bon]
impl Publish {
    /// Describes what is to be published.
    ///
    /// # Errors
    /// [`Invalid`](ec2_stories_core::ErrorKind::Invalid), naming the field.
    #[builder(start_fn = builder, finish_fn = build)]
    pub fn with(
        /// The account, and the region that the image is registered in.
        ec2: Ec2,
        /// What brings the file to AWS.
        uploader: Arc<dyn ImageUploader>,
        /// Where it is kept how far this is.
        journal: Arc<dyn TupleStore>,
        /// How the image is registered.
        spec: ImageSpec,
        /// The accounts that may launch it, and its copies.
        #[builder(default, with = |accounts: impl IntoIterator<Item = impl Into<String>>| accounts.into_iter().map(Into::into).collect())]
        share: Vec<String>,
        /// The other regions that get a copy.
        #[builder(default, with = |regions: impl IntoIterator<Item = Region>| regions.into_iter().collect())]
        copy_to: Vec<Region>,
        /// KMS keys of those regions, by ARN or id, that encrypt their copies instead of the region's default key.
        #[builder(default, with = |keys: impl IntoIterator<Item = (Region, String)>| keys.into_iter().collect())]
        copy_keys: BTreeMap<Region, String>,
        /// From when on it, and its copies, are not to be used any more.
        deprecate_at: Option<Timestamp>,
    ) -> Result<Self> {
        spec.check("publish.spec")?;
        if copy_to.contains(&ec2.region()) {
            return Err(Error::invalid(
                "publish.copy_to",
                "names the region that the image is registered in",
            ));
        }
        if !share.is_empty() && spec.encryption == Encryption::DefaultKey {
            let why = "an image that is shared needs Encryption::Key, a key that the accounts may use, or Encryption::Off";
            return Err(Error::invalid("publish.spec.encryption", why));
        }
        if let Some(wrong) = share.iter().find(|account| !is_account(account)) {
            return Err(Error::invalid(
                "publish.share",
                format!("{wrong:?} is not an account id of 12 digits"),
            ));
        }
        for (region, key) in &copy_keys {
            if !copy_to.contains(region) {
                let why = format!("names {region}, which gets no copy");
                return Err(Error::invalid("publish.copy_keys", why));
            }
            Encryption::Key(key.clone()).check("publish.copy_keys")?;
        }
        let closed = copy_to.iter().find(|region| !copy_keys.contains_key(region));
        if let Some(region) = closed.filter(|_| !share.is_empty() && spec.encryption.is_on()) {
            let why = format!(
                "the copy in {region} is encrypted with that region's default key, which other accounts may not use: \
                 give it a key in copy_keys, share without copies, or take Encryption::Off"
            );
            return Err(Error::invalid("publish.copy_to", why));
        }
        let journal = Journal::new(journal, &ec2.region(), &spec.name);
        Ok(Self(Arc::new(Inner { ec2, uploader, journal, spec, share, copy_to, copy_keys, deprecate_at })))
    }

    /// Publishes the file, from where an earlier run was cut off.
    ///
    /// # Errors
    /// The first step's that fails; running it again goes on at that step. [`Conflict`](ec2_stories_core::ErrorKind::Conflict)
    /// where another image has the name.
    pub async fn run(&self, source: &ImageSource) -> Result<Publication> {
        self.run_with(source, &watch::Sender::default()).await
    }

    /// As [`run`](Self::run), and tells how far the upload is.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_with(
        &self,
        source: &ImageSource,
        progress: &watch::Sender<UploadProgress>,
    ) -> Result<Publication> {
        run::run(&self.0, source, progress).await
    }

    /// How far it is, as the journal says; `None` where nothing was begun.
    ///
    /// # Errors
    /// The journal's.
    pub async fn state(&self) -> Result<Option<Publication>> {
        self.0.journal.read().await
    }

    /// Takes down what was published under the name, whether or not it was finished: the copies, the image, its snapshot, an
    /// import that runs, and the upload. A success where nothing is.
    ///
    /// # Errors
    /// The first that fails; calling it again goes on.
    pub async fn remove(&self) -> Result<()> {
        remove::remove(&self.0).await
    }
}

impl fmt::Debug for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("spec", &self.0.spec)
            .field("ec2", &self.0.ec2)
            .finish_non_exhaustive()
    }
}
