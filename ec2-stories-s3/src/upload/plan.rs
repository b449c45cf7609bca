//! How content is cut into parts.

use std::ops::Range;

use ec2_stories_core::{Error, Result};

pub(crate) const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// S3's limits, from <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.
pub(crate) const MOST_PARTS: u64 = 10_000;
pub(crate) const SMALLEST_PART: u64 = 5 * MIB;
pub(crate) const LARGEST_PART: u64 = 5 * GIB;
const LARGEST_OBJECT: u64 = MOST_PARTS * LARGEST_PART;

/// Many parts of a small file keep all connections busy; of a large one, fewer requests cost less.
const PART: u64 = 16 * MIB;
const PART_OF_SMALL: u64 = 8 * MIB;
const SMALL: u64 = GIB;

/// A stream's part size doubles after as many parts: ten doublings reach 7.8 TiB in 10,000 parts, none above 5 GiB.
const PARTS_OF_A_SIZE: u32 = 1_000;

/// The parts of content whose size is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) size: u64,
    pub(crate) part_size: u64,
}

impl Plan {
    /// The parts of `size` bytes, of the wanted size where that is enough.
    ///
    /// # Errors
    /// `Invalid` for a part size or an object that S3 does not take.
    pub(crate) fn new(size: u64, wanted: Option<u64>) -> Result<Self> {
        if size > LARGEST_OBJECT {
            return Err(Error::invalid(
                "content",
                format!("{size} bytes are more than S3 keeps in an object"),
            ));
        }
        if let Some(wanted) = wanted {
            check_part_size(wanted)?;
        }
        let usual = wanted.unwrap_or(if size < SMALL { PART_OF_SMALL } else { PART });
        let needed = size.div_ceil(MOST_PARTS).next_multiple_of(MIB);
        Ok(Self { size, part_size: usual.max(needed) })
    }

    /// How many parts there are; an empty object has none.
    pub(crate) fn parts(&self) -> u32 {
        // At most MOST_PARTS.
        self.size.div_ceil(self.part_size) as u32
    }

    /// Where part `number` (from 1) lies.
    pub(crate) fn range(&self, number: u32) -> Range<u64> {
        let start = u64::from(number - 1) * self.part_size;
        start..(start + self.part_size).min(self.size)
    }
}

/// Whether S3 takes parts of that size.
pub(crate) fn check_part_size(size: u64) -> Result<()> {
    if (SMALLEST_PART..=LARGEST_PART).contains(&size) {
        Ok(())
    } else {
        Err(Error::invalid("part_size", format!("{size} is not between 5 MiB and 5 GiB")))
    }
}

/// The size of part `number` (from 1) of a stream, of which nobody knows how long it is.
///
/// # Errors
/// `Invalid` beyond the last part that S3 takes.
pub(crate) fn streamed_part_size(number: u32, wanted: Option<u64>) -> Result<u64> {
    if u64::from(number) > MOST_PARTS {
        return Err(Error::invalid("content", "the stream is longer than 10,000 parts"));
    }
    let doubled = wanted.unwrap_or(PART_OF_SMALL) << ((number - 1) / PARTS_OF_A_SIZE);
    Ok(doubled.min(LARGEST_PART))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_part_size_follows_the_size() {
        let part_size = |size| Plan::new(size, None).unwrap().part_size;
        assert_eq!(part_size(0), 8 * MIB);
        assert_eq!(part_size(GIB - 1), 8 * MIB);
        assert_eq!(part_size(GIB), 16 * MIB);
        assert_eq!(part_size(MOST_PARTS * 16 * MIB), 16 * MIB);
        assert_eq!(part_size(MOST_PARTS * 16 * MIB + 1), 17 * MIB);
        assert_eq!(part_size(LARGEST_OBJECT), LARGEST_PART);
    }

    #[test]
    fn what_s3_does_not_take_is_refused() {
        assert!(Plan::new(LARGEST_OBJECT + 1, None).is_err());
        assert!(Plan::new(1, Some(SMALLEST_PART - 1)).is_err());
        assert!(Plan::new(1, Some(LARGEST_PART + 1)).is_err());
        assert!(streamed_part_size(10_001, None).is_err());
    }

    #[test]
    fn parts_of_a_stream_double_and_stay_within_the_limits() {
        let size = |number| streamed_part_size(number, None).unwrap();
        assert_eq!((size(1), size(1_000), size(1_001), size(2_001)), (8 * MIB, 8 * MIB, 16 * MIB, 32 * MIB));
        assert_eq!(size(10_000), 4 * GIB);
        assert_eq!(streamed_part_size(10_000, Some(LARGEST_PART)).unwrap(), LARGEST_PART);
    }

    proptest! {
        #[test]
        fn parts_cover_the_content_once(size in 0..=LARGEST_OBJECT, wanted in proptest::option::of(SMALLEST_PART..=64 * MIB)) {
            let plan = Plan::new(size, wanted).unwrap();
            prop_assert!(u64::from(plan.parts()) <= MOST_PARTS);
            let mut at = 0;
            for number in 1..=plan.parts() {
                let range = plan.range(number);
                prop_assert_eq!(range.start, at);
                prop_assert!(range.end > at);
                prop_assert!(number == plan.parts() || range.end - range.start >= SMALLEST_PART);
                at = range.end;
            }
            prop_assert_eq!(at, size);
        }
    }
}
