//! Sending all parts, as many at once as is good.

use std::collections::BTreeMap;
use std::sync::Arc;

use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::super::flight::{Flight, Hedge};
use super::super::journal::Parts;
use super::super::moves::Moves;
use super::Job;
use super::feed::{Feed, Part};
use super::notes::Notes;
use super::send::{Sender, Sent, Sum};

/// The parts on their way, with what is needed to send them again or to stop that.
struct Transfer<'a> {
    job: &'a Job,
    sender: Sender,
    tasks: JoinSet<(u32, Moves, Result<Sent>)>,
    flight: Flight,
    parts: BTreeMap<u32, (Part, Vec<AbortHandle>)>,
    sent: BTreeMap<u32, Sent>,
    notes: Notes,
}

impl Job {
    /// Sends what the feed hands out, and returns all parts and what they make. Dropped, it stops at once.
    pub(super) async fn transfer(&self, upload_id: &str, mut feed: Feed) -> Result<(Parts, Sum)> {
        let sender = Sender {
            requests: Arc::clone(&self.requests),
            meter: Arc::clone(&self.meter),
            buffers: self.buffers.clone(),
            upload_id: upload_id.to_owned(),
        };
        let mut transfer = Transfer {
            job: self,
            sender,
            tasks: JoinSet::new(),
            flight: Flight::default(),
            parts: BTreeMap::new(),
            sent: BTreeMap::new(),
            notes: Notes::new(self.journal.clone()),
        };
        let ended = transfer.run(&mut feed).await;
        // Whatever the end is: what is still on its way is of no use.
        transfer.tasks.shutdown().await;
        ended?;
        let sum = transfer.sent.values().fold(Sum::default(), Sum::then);
        let parts = transfer.sent.into_iter().map(|(number, sent)| (number, sent.part)).collect();
        Ok((parts, sum))
    }
}

impl Transfer<'_> {
    async fn run(&mut self, feed: &mut Feed) -> Result<()> {
        let mut more = true;
        while more || !self.parts.is_empty() {
            let room = self.flight.requests() < self.job.requests.limit();
            let hedge_at = if more || !room { None } else { self.hedge() };
            let at = hedge_at.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                Some(ended) = self.tasks.join_next() => self.ended(ended)?,
                () = self.notes.written(), if !self.notes.are_written() => self.notes.begin(&self.job.state().parts),
                part = feed.next(), if more && room => match part? {
                    Some(part) => self.begin(part),
                    None => more = false,
                },
                () = tokio::time::sleep_until(at), if hedge_at.is_some() => {}
            }
        }
        Ok(())
    }

    /// Sends a slow part again, or says when one may be slow.
    fn hedge(&mut self) -> Option<Instant> {
        match self.flight.hedge(Instant::now()) {
            Hedge::Now(number) => {
                let part = self.parts.get(&number).map(|(part, _)| part.clone())?;
                tracing::debug!(number, "a slow part is sent again");
                self.begin(part);
                Some(Instant::now())
            }
            Hedge::At(at) => Some(at),
            Hedge::Nothing => None,
        }
    }

    fn begin(&mut self, part: Part) {
        let number = part.number;
        let moves = self.flight.begin(number, Instant::now());
        let send = self.sender.clone().send(part.clone(), moves.clone());
        let task = self.tasks.spawn(async move { (number, moves, send.await) });
        self.parts.entry(number).or_insert_with(|| (part, Vec::new())).1.push(task);
    }

    fn ended(&mut self, ended: Result<(u32, Moves, Result<Sent>), tokio::task::JoinError>) -> Result<()> {
        match ended {
            Ok((number, moves, Ok(sent))) => self.acknowledged(number, &moves, sent),
            Ok((number, moves, Err(error))) => {
                // A copy that may still arrive makes up for it, unless nothing ever will.
                let hopeless = matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Forbidden);
                if !self.flight.failed(number, &moves) || hopeless {
                    return Err(error);
                }
            }
            Err(stopped) if stopped.is_cancelled() => {}
            Err(panicked) => {
                return Err(Error::new(ErrorKind::Unexpected, "sending a part panicked").because(panicked));
            }
        }
        Ok(())
    }

    fn acknowledged(&mut self, number: u32, moves: &Moves, sent: Sent) {
        let Some((_, copies)) = self.parts.remove(&number) else { return };
        copies.iter().for_each(AbortHandle::abort);
        if sent.found {
            self.flight.found(number);
        } else {
            self.flight.acknowledged(number, moves, Instant::now());
            self.job.requests.acknowledged(sent.length);
        }
        {
            let parts = &mut self.job.state().parts;
            parts.insert(number, sent.part.clone());
            self.notes.add(number, parts);
        }
        self.job.meter.acknowledged(sent.length);
        self.sent.insert(number, sent);
    }
}
