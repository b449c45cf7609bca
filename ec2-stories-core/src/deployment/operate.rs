//! What operators can order, from any process and from the handle of a deployment that runs.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::driver::Command;
use super::journal::Journal;
use super::orders::{OrderBook, Orders, Pause, Request, check_hold, said};
use super::{Deployment, Running};
use crate::model::{DeploymentSpec, Name, NodeAddress};
use crate::provider::Hold;
use crate::{Clock, Error, ErrorKind, Result};

/// Who orders.
struct Desk<'a> {
    spec: &'a DeploymentSpec,
    book: OrderBook,
    clock: &'a dyn Clock,
}

impl Desk<'_> {
    async fn scale(&self, fleet: &Name, nodes: u32) -> Result<()> {
        self.book.change(|orders| orders.set_scale(self.spec, fleet, nodes)).await.map(drop)
    }

    async fn pause(&self, owner: String, reason: String) -> Result<()> {
        let (owner, reason) = (said("pause.owner", owner)?, said("pause.reason", reason)?);
        let pause = Pause { owner, reason, since: self.clock.now() };
        let change = |orders: &mut Orders| {
            orders.pause = Some(pause.clone());
            Ok(())
        };
        self.book.change(change).await.map(drop)
    }

    async fn resume(&self) -> Result<()> {
        let change = |orders: &mut Orders| {
            orders.pause = None;
            Ok(())
        };
        self.book.change(change).await.map(drop)
    }

    async fn on_node(&self, node: &NodeAddress, change: impl Fn(&mut Orders)) -> Result<()> {
        let change = |orders: &mut Orders| {
            orders.check_node(self.spec, node)?;
            change(orders);
            Ok(())
        };
        self.book.change(change).await.map(drop)
    }

    async fn hold(&self, node: &NodeAddress, hold: Hold) -> Result<()> {
        check_hold(&hold, self.clock.now())?;
        self.on_node(node, |orders| drop(orders.holds.insert(node.clone(), hold.clone()))).await
    }

    async fn release(&self, node: &NodeAddress) -> Result<()> {
        let request = Request { reason: "released".to_owned(), at: self.clock.now() };
        let change = |orders: &mut Orders| {
            orders.holds.remove(node);
            orders.quarantine.remove(node);
            orders.release.insert(node.clone(), request.clone());
        };
        self.on_node(node, change).await
    }

    async fn quarantine(&self, node: &NodeAddress, reason: String) -> Result<()> {
        let request = Request { reason: said("quarantine.reason", reason)?, at: self.clock.now() };
        let change = |orders: &mut Orders| {
            orders.replace.remove(node);
            orders.release.remove(node);
            orders.quarantine.insert(node.clone(), request.clone());
        };
        self.on_node(node, change).await
    }

    async fn replace(&self, node: &NodeAddress, reason: String) -> Result<()> {
        let request = Request { reason: said("replace.reason", reason)?, at: self.clock.now() };
        let change = |orders: &mut Orders| {
            orders.quarantine.remove(node);
            orders.replace.insert(node.clone(), request.clone());
        };
        self.on_node(node, change).await
    }
}

/// Orders to a deployment, whichever process controls it; one that nobody controls obeys from its next start on. All of them survive the
/// controller, until the deployment is terminated.
impl Deployment {
    fn desk(&self) -> Desk<'_> {
        let book = OrderBook::new(Arc::clone(&self.journal), &self.spec.name);
        Desk { spec: &self.spec, book, clock: &*self.clock }
    }

    /// What was ordered, and is in force or waits for a controller.
    ///
    /// # Errors
    /// The store failed, or what it holds is damaged.
    pub async fn orders(&self) -> Result<Orders> {
        self.desk().book.read().await
    }

    /// Whether it was ever started with this store: else there is no node yet that an order could be about.
    ///
    /// # Errors
    /// The store failed.
    pub async fn was_started(&self) -> Result<bool> {
        let head = Journal::new(Arc::clone(&self.journal), &self.spec.name).full(Journal::HEAD);
        Ok(self.journal.get(&head).await?.is_some())
    }

    /// Has a fleet have so many nodes, up or down, until its description has another number than now. Downwards the highest slots go:
    /// each is deregistered, drained and terminated.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such fleet; [`ErrorKind::Invalid`] beyond `limits.nodes`; the store's.
    pub async fn scale(&self, fleet: &Name, nodes: u32) -> Result<()> {
        self.desk().scale(fleet, nodes).await
    }

    /// Stops the deployment from changing: nothing is launched, replaced, scaled down or rolled out until [`resume`](Self::resume).
    /// What was begun is seen through as far as it must; nodes are watched, and status and ping go on.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] without an owner or a reason; the store's.
    pub async fn pause(&self, owner: impl Into<String>, reason: impl Into<String>) -> Result<()> {
        self.desk().pause(owner.into(), reason.into()).await
    }

    /// Ends a pause; what is due by then is done.
    ///
    /// # Errors
    /// The store's.
    pub async fn resume(&self) -> Result<()> {
        self.desk().resume().await
    }

    /// Keeps a node from being replaced until the hold ends, whatever becomes of its instance; it is probed all the same.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such node; [`ErrorKind::Invalid`] for a hold without owner or reason, one that has
    /// ended, or one longer than a day; the store's.
    pub async fn hold(&self, node: &NodeAddress, hold: Hold) -> Result<()> {
        self.desk().hold(node, hold).await
    }

    /// Ends a hold, and lets a node in quarantine have an instance again. What is neither stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such node; the store's.
    pub async fn release(&self, node: &NodeAddress) -> Result<()> {
        self.desk().release(node).await
    }

    /// Takes a node out of service: it is drained where it lives, its instance terminated, and none launched until it is released
    /// or replaced.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such node; [`ErrorKind::Invalid`] without a reason; the store's.
    pub async fn quarantine(&self, node: &NodeAddress, reason: impl Into<String>) -> Result<()> {
        self.desk().quarantine(node, reason.into()).await
    }

    /// Gives a node another instance: one that lives is drained before; one that was given up, or is in quarantine, begins anew.
    ///
    /// That is begun at once, whatever else is being replaced in the fleet. Where another such order is under way there, one for a node
    /// that lives waits until fewer than `max_in_flight` nodes are being replaced.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such node; [`ErrorKind::Invalid`] without a reason; the store's.
    pub async fn replace(&self, node: &NodeAddress, reason: impl Into<String>) -> Result<()> {
        self.desk().replace(node, reason.into()).await
    }
}

/// Orders as [`Deployment`] has them; each returns once the controller has taken it up.
impl Running {
    fn desk(&self) -> Desk<'_> {
        let context = self.context();
        Desk { spec: &context.spec, book: context.orders.clone(), clock: &*context.clock }
    }

    /// Waits until the controller has taken up what was ordered; about a minute where it cannot read the orders.
    async fn taken_up(&self) -> Result<()> {
        let (done, taken_up) = oneshot::channel();
        self.command(Command::Look(done))?;
        let gone = |_| Error::new(ErrorKind::Canceled, "the controller ended; the order waits for the next");
        let read = taken_up.await.map_err(gone)?;
        let unread = |error: Error| error.during("take up the order, which is given");
        read.map_err(unread)
    }

    /// Goes over to another description of the same deployment, which this handle is one of from then on: what differs is replaced, as
    /// [`Deployment::start_updating`] says; [`ready`](Self::ready) waits for it. Events of the time before end with
    /// [`Detached`](super::EventKind::Detached).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for another name, and when the plan has errors: then nothing has changed. Where the new description cannot be
    /// started the former one is controlled again.
    pub async fn update(&mut self, to: &Deployment) -> Result<()> {
        let former = self.deployment().clone();
        if to.spec.name != former.spec.name {
            let (is, name) = (&to.spec.name, &former.spec.name);
            return Err(Error::invalid("name", format!("{is} is another deployment than {name}")));
        }
        to.plan_update().await?.check()?;
        let _ = self.detach().await?;
        match to.start_updating().await {
            Ok(running) => {
                *self = running;
                Ok(())
            }
            Err(error) => {
                *self = former.start().await?;
                Err(error)
            }
        }
    }

    /// See [`Deployment::scale`]; [`ready`](Self::ready) then waits for the nodes.
    ///
    /// # Errors
    /// As there, and [`ErrorKind::Canceled`] when the controller has ended.
    pub async fn scale(&self, fleet: &Name, nodes: u32) -> Result<()> {
        self.desk().scale(fleet, nodes).await?;
        self.taken_up().await
    }

    /// See [`Deployment::pause`].
    ///
    /// # Errors
    /// As there, and [`ErrorKind::Canceled`] when the controller has ended.
    pub async fn pause(&self, owner: impl Into<String>, reason: impl Into<String>) -> Result<()> {
        self.desk().pause(owner.into(), reason.into()).await?;
        self.taken_up().await
    }

    /// See [`Deployment::resume`].
    ///
    /// # Errors
    /// As there, and [`ErrorKind::Canceled`] when the controller has ended.
    pub async fn resume(&self) -> Result<()> {
        self.desk().resume().await?;
        self.taken_up().await
    }

    /// See [`Deployment::hold`].
    ///
    /// # Errors
    /// As there, and [`ErrorKind::Canceled`] when the controller has ended.
    pub async fn hold(&self, node: &NodeAddress, hold: Hold) -> Result<()> {
        self.desk().hold(node, hold).await?;
        self.taken_up().await
    }

    /// See [`Deployment::release`].
    ///
    /// # Errors
    /// As there, and [`ErrorKind::Canceled`] when the controller has ended.
    pub async fn release(&self, node: &NodeAddress) -> Result<()> {
        self.desk().release(node).await?;
        self.taken_up().await
    }

    /// See [`Deployment::quarantine`].
    ///
    /// # Errors
    /// As there, and [`ErrorKind::Canceled`] when the controller has ended.
    pub async fn quarantine(&self, node: &NodeAddress, reason: impl Into<String>) -> Result<()> {
        self.desk().quarantine(node, reason.into()).await?;
        self.taken_up().await
    }

    /// See [`Deployment::replace`].
    ///
    /// # Errors
    /// As there, and [`ErrorKind::Canceled`] when the controller has ended.
    pub async fn replace(&self, node: &NodeAddress, reason: impl Into<String>) -> Result<()> {
        self.desk().replace(node, reason.into()).await?;
        self.taken_up().await
    }
}
