//! The suite for registrars.

use async_trait::async_trait;

use super::{demand, eventually, succeeds};
use crate::provider::{Node, Registrar};

/// What the suite for [`Registrar`] needs.
#[async_trait]
pub trait RegistrarBench: Send + Sync {
    /// The registrar; none of the nodes is registered yet.
    fn registrar(&self) -> &dyn Registrar;

    /// A node, and the same one with another instance.
    fn node_and_successor(&self) -> [Node; 2];

    /// What a name stands for.
    async fn lookup(&self, name: &str) -> Option<String>;

    /// Lets a name stand for nothing, behind the registrar's back.
    async fn lose(&self, name: &str);
}

/// Checks a [`Registrar`].
///
/// # Panics
/// With the contract's bullet that was broken.
pub async fn registrar(bench: &dyn RegistrarBench) {
    const REGISTER: &str = "register makes the name stand for the node; again it changes nothing";
    const REPLACE: &str = "register with another value replaces it";
    const REFRESH: &str = "refresh puts a registration back where it is missing";
    const OTHERS: &str = "deregister leaves alone a name that stands for another value by now";
    const GONE: &str = "deregister of what is not registered is a success";

    let registrar = bench.registrar();
    let [node, successor] = bench.node_and_successor();
    let first = succeeds(registrar.register(&node).await, REGISTER);
    demand(first.node == node.address, REGISTER, &first);
    stands(bench, &first.name, Some(&first.value), REGISTER).await;
    let again = succeeds(registrar.register(&node).await, REGISTER);
    demand(again == first, REGISTER, (&first, &again));

    let second = succeeds(registrar.register(&successor).await, REPLACE);
    demand(second.name == first.name && second.value != first.value, REPLACE, (&first, &second));
    stands(bench, &first.name, Some(&second.value), REPLACE).await;
    succeeds(registrar.deregister(&first).await, OTHERS);
    stands(bench, &first.name, Some(&second.value), OTHERS).await;

    bench.lose(&second.name).await;
    succeeds(registrar.refresh(&second).await, REFRESH);
    stands(bench, &second.name, Some(&second.value), REFRESH).await;
    for _ in 0..2 {
        succeeds(registrar.deregister(&second).await, GONE);
    }
    stands(bench, &second.name, None, GONE).await;
}

async fn stands(bench: &dyn RegistrarBench, name: &str, value: Option<&str>, bullet: &str) {
    eventually(bullet, async || (bench.lookup(name).await.as_deref() == value).then_some(())).await;
}
