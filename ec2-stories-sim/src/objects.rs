//! What ImportSnapshot reads of S3.

use std::collections::BTreeMap;

use bon::Builder;

use crate::s3::blob::Blob;
use crate::sim::Sim;

/// As much of a disk image as says what it is: the metadata of a VHDX stands behind a table that grows with the disk.
pub(crate) const HEAD: usize = 8 << 20;
/// The footer of a VHD, and that of a stream-optimized VMDK with the marker after it.
pub(crate) const TAIL: usize = 1024;

/// A disk image in S3.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DiskImage {
    pub(crate) bytes: u64,
    pub(crate) head: Vec<u8>,
    pub(crate) tail: Vec<u8>,
}

/// What an import finds where it was told to look.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Lookup {
    NoBucket,
    NoKey,
    /// The bucket is in this other region.
    Elsewhere(String),
    Found(DiskImage),
}

impl Lookup {
    /// An object that came by S3's API.
    pub(crate) fn of(blob: Option<&Blob>) -> Self {
        let read = |blob: &Blob| {
            let (bytes, head, tail) = (blob.len(), HEAD as u64, TAIL as u64);
            Ok(DiskImage {
                bytes,
                head: blob.slice(0..bytes.min(head)).bytes()?,
                tail: blob.slice(bytes.saturating_sub(tail)..bytes).bytes()?,
            })
        };
        // Bytes that cannot be read are as good as none.
        let image: Option<std::io::Result<DiskImage>> = blob.map(read);
        image.and_then(Result::ok).map_or(Self::NoKey, Self::Found)
    }
}

/// Objects that tests put there without S3's API: bucket to its region and objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects(BTreeMap<String, (String, BTreeMap<String, DiskImage>)>);

impl Objects {
    pub(crate) fn find(&self, region: &str, bucket: &str, key: &str) -> Lookup {
        match self.0.get(bucket) {
            None => Lookup::NoBucket,
            Some((home, _)) if home != region => Lookup::Elsewhere(home.clone()),
            Some((_, objects)) => objects.get(key).cloned().map_or(Lookup::NoKey, Lookup::Found),
        }
    }
}

/// A disk image that an earlier upload left in S3.
#[derive(Clone, Debug, Builder)]
#[non_exhaustive]
pub struct DiskImageSeed {
    /// The bucket, which is made with the first image in it.
    #[builder(into)]
    pub bucket: String,
    /// The object's key.
    #[builder(into)]
    pub key: String,
    /// The content, from its beginning.
    #[builder(default, into)]
    pub content: Vec<u8>,
    /// The size in bytes, where the object is longer than `content`; zeros follow.
    pub size: Option<u64>,
    /// The bucket's region; the home region, unless said otherwise.
    #[builder(into)]
    pub region: Option<String>,
}

impl Sim {
    /// Puts a disk image into S3 for ImportSnapshot to find.
    pub fn add_disk_image(&self, seed: DiskImageSeed) {
        let mut world = self.world();
        let region = seed.region.unwrap_or_else(|| world.home().to_owned());
        let image = disk_image(&seed.content, seed.size);
        let (_, objects) = world.objects.0.entry(seed.bucket).or_insert_with(|| (region, BTreeMap::new()));
        objects.insert(seed.key, image);
    }
}

fn disk_image(content: &[u8], size: Option<u64>) -> DiskImage {
    let length = content.len() as u64;
    let bytes = size.unwrap_or(length).max(length);
    let tail = if bytes == length { &content[content.len().saturating_sub(TAIL)..] } else { &[0; TAIL][..] };
    DiskImage { bytes, head: content[..content.len().min(HEAD)].to_vec(), tail: tail.to_vec() }
}
