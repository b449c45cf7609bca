//! Which images are old enough to go.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::RegisteredImage;

/// Which images are kept.
///
/// Images are of one series when their names differ in what follows the last `-` alone: `web-7` and `web-8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many of each series are kept at least, the newest.
    pub keep: usize,
    /// An image younger than this is kept.
    pub younger_than: Duration,
}

impl Retention {
    /// The images that need not be kept, oldest first. One whose age is not known is kept.
    #[must_use]
    pub fn excess<'a>(&self, images: &'a [RegisteredImage], now: Timestamp) -> Vec<&'a RegisteredImage> {
        let mut series: BTreeMap<&str, Vec<&RegisteredImage>> = BTreeMap::new();
        for image in images {
            series.entry(series_of(&image.name)).or_default().push(image);
        }
        let mut excess = Vec::new();
        for mut images in series.into_values() {
            images.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
            excess.extend(images.into_iter().skip(self.keep).filter(|image| self.is_old(image, now)));
        }
        excess.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        excess
    }

    fn is_old(&self, image: &RegisteredImage, now: Timestamp) -> bool {
        let age = image.created_at.and_then(|at| Duration::try_from(now.duration_since(at)).ok());
        age.is_some_and(|age| age >= self.younger_than)
    }
}

fn series_of(name: &str) -> &str {
    name.rsplit_once('-').map_or(name, |(series, _)| series)
}

#[cfg(test)]
mod tests {
    use crate::model::{ImageId, Tags};

    use super::*;

    fn image(name: &str, day: u32) -> RegisteredImage {
        RegisteredImage {
            id: ImageId::new(format!("ami-{name}")),
            name: name.to_owned(),
            owner: "self".to_owned(),
            state: "available".to_owned(),
            architecture: "x86_64".to_owned(),
            root_device: None,
            snapshots: Vec::new(),
            created_at: (day > 0).then(|| format!("2026-11-{day:02}T00:00:00Z").parse().unwrap()),
            deprecated_at: None,
            tags: Tags::new(),
        }
    }

    #[test]
    fn the_newest_of_each_series_and_the_young_are_kept() {
        let images =
            [image("web-1", 1), image("web-3", 3), image("web-2", 2), image("db-1", 1), image("web-0", 0)];
        let excess = |keep, days: u64| {
            let retention = Retention { keep, younger_than: Duration::from_secs(days * 86_400) };
            let now = "2026-11-04T00:00:00Z".parse().unwrap();
            let names: Vec<_> = retention.excess(&images, now).iter().map(|i| i.name.clone()).collect();
            names.join(" ")
        };
        assert_eq!(excess(1, 0), "web-1 web-2");
        assert_eq!(excess(1, 3), "web-1");
        assert_eq!(excess(3, 0), "");
        assert_eq!(excess(0, 0), "db-1 web-1 web-2 web-3");
    }
}
