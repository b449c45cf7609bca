//! What a deployment is given to share: a cloud, a journal, a monitor.

use std::sync::Arc;

use crate::provider::{Cloud, Monitor, TupleStore};

/// A cloud by value, or one that is shared already.
pub trait IntoCloud {
    /// The shared cloud.
    fn into_cloud(self) -> Arc<dyn Cloud>;
}

impl<C: Cloud + 'static> IntoCloud for C {
    fn into_cloud(self) -> Arc<dyn Cloud> {
        Arc::new(self)
    }
}

impl IntoCloud for Arc<dyn Cloud> {
    fn into_cloud(self) -> Arc<dyn Cloud> {
        self
    }
}

impl<C: Cloud + 'static> IntoCloud for Arc<C> {
    fn into_cloud(self) -> Arc<dyn Cloud> {
        self
    }
}

/// A tuple store by value, or one that is shared already.
pub trait IntoJournal {
    /// The shared store.
    fn into_journal(self) -> Arc<dyn TupleStore>;
}

impl<S: TupleStore + 'static> IntoJournal for S {
    fn into_journal(self) -> Arc<dyn TupleStore> {
        Arc::new(self)
    }
}

impl IntoJournal for Arc<dyn TupleStore> {
    fn into_journal(self) -> Arc<dyn TupleStore> {
        self
    }
}

impl<S: TupleStore + 'static> IntoJournal for Arc<S> {
    fn into_journal(self) -> Arc<dyn TupleStore> {
        self
    }
}

/// A monitor by value, or one that is shared already.
pub trait IntoMonitor {
    /// The shared monitor.
    fn into_monitor(self) -> Arc<dyn Monitor>;
}

impl<M: Monitor + 'static> IntoMonitor for M {
    fn into_monitor(self) -> Arc<dyn Monitor> {
        Arc::new(self)
    }
}

impl IntoMonitor for Arc<dyn Monitor> {
    fn into_monitor(self) -> Arc<dyn Monitor> {
        self
    }
}

impl<M: Monitor + 'static> IntoMonitor for Arc<M> {
    fn into_monitor(self) -> Arc<dyn Monitor> {
        self
    }
}
