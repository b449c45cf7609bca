//! Where the parts come from, one after another.

use std::collections::BTreeMap;

use bytes::Bytes;
use ec2_stories_core::Result;

use super::super::crc::Crc64;
use super::super::file::SourceFile;
use super::super::plan::Plan;
use super::super::span::Span;
use super::super::spool::{Spool, Spooled};
use super::super::wire::Listed;

/// Content of a known size that can be read anywhere, any number of times.
#[derive(Clone, Debug)]
pub(super) enum Whole {
    File(SourceFile),
    Memory(Bytes),
}

impl Whole {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::File(file) => file.fingerprint.size,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    pub(super) fn span(&self, plan: &Plan, number: u32) -> Span {
        let range = plan.range(number);
        match self {
            Self::File(file) => {
                Span::Source { file: file.clone(), start: range.start, length: range.end - range.start }
            }
            Self::Memory(bytes) => Span::Memory(bytes.slice(range.start as usize..range.end as usize)),
        }
    }

    /// The part that is all of it, also where that is nothing.
    pub(super) fn as_one(&self) -> Span {
        match self {
            Self::File(file) => Span::Source { file: file.clone(), start: 0, length: self.size() },
            Self::Memory(bytes) => Span::Memory(bytes.clone()),
        }
    }
}

/// A part to be sent.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) number: u32,
    pub(super) span: Span,
    /// Where it is known already.
    pub(super) crc: Option<Crc64>,
    /// What S3 has under this number.
    pub(super) there: Option<Listed>,
}

impl From<Spooled> for Part {
    fn from(Spooled { number, span, crc, .. }: Spooled) -> Self {
        Self { number, span, crc: Some(crc), there: None }
    }
}

/// Hands out the parts in order.
#[derive(Debug)]
pub(super) enum Feed {
    Whole { content: Whole, plan: Plan, next: u32, sums: Vec<Crc64>, there: BTreeMap<u32, Listed> },
    Stream { first: Option<Spooled>, spool: Spool },
}

impl Feed {
    /// The next part, `None` after the last. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Option<Part>> {
        match self {
            Self::Whole { content, plan, next, sums, there } => {
                let number = *next;
                if number > plan.parts() {
                    return Ok(None);
                }
                *next += 1;
                let crc = sums.get(number as usize - 1).copied();
                Ok(Some(Part { number, span: content.span(plan, number), crc, there: there.remove(&number) }))
            }
            Self::Stream { first, spool } => match first.take() {
                Some(first) => Ok(Some(first.into())),
                None => Ok(spool.next().await?.map(Part::from)),
            },
        }
    }
}
