//! The suite for messengers.

use std::sync::Arc;

use super::{demand, fails, succeeds, unique};
use crate::ErrorKind;
use crate::model::NodeAddress;
use crate::provider::{Messenger, Method, Reply, Request};

/// What the suite for [`Messenger`] needs.
#[derive(Clone, Debug)]
pub struct MessengerFixture {
    /// The messenger.
    pub messenger: Arc<dyn Messenger>,
    /// A node that keeps whatever is put to it.
    pub node: NodeAddress,
    /// A node that nobody knows.
    pub unknown: NodeAddress,
    /// A node that is known and does not answer; `None` where there is no such thing.
    pub silent: Option<NodeAddress>,
}

/// Checks a [`Messenger`].
///
/// # Panics
/// With the contract's bullet that was broken.
pub async fn messenger(fixture: &MessengerFixture) {
    const ANSWER: &str = "the node's own answer is an Ok, whatever its status";
    const PUT: &str = "PUT creates or replaces, may be repeated, and GET reads it back, of any bytes";
    const GET: &str = "GET changes nothing";
    const DELETE: &str = "a DELETE of what is absent is 204 or 404, never an Err";

    let path = format!("/suite/{}", unique());
    let ask = async |method: Method, body: &[u8], bullet: &str| -> Reply {
        let request = Request { method, path: path.clone(), body: body.to_vec() };
        succeeds(fixture.messenger.exchange(&fixture.node, request).await, bullet)
    };
    demand(ask(Method::Get, b"", ANSWER).await.status == 404, ANSWER, "no 404 for what is absent");
    demand(ask(Method::Get, b"", GET).await.status == 404, GET, "a GET made something");
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    for body in [b"one".as_slice(), &every_byte, &every_byte, b""] {
        let reply = ask(Method::Put, body, PUT).await;
        demand([200, 201, 204].contains(&reply.status), PUT, &reply);
        let reply = ask(Method::Get, b"", PUT).await;
        demand(reply.status == 200 && reply.body == body, PUT, &reply);
    }
    let reply = ask(Method::Delete, b"", DELETE).await;
    demand([200, 204].contains(&reply.status), DELETE, &reply);
    let reply = ask(Method::Delete, b"", DELETE).await;
    demand([204, 404].contains(&reply.status), DELETE, &reply);
    demand(ask(Method::Get, b"", DELETE).await.status == 404, DELETE, "it is still there");

    let request = || Request { method: Method::Get, path: path.clone(), body: Vec::new() };
    let nobody = fixture.messenger.exchange(&fixture.unknown, request()).await;
    fails(nobody, ErrorKind::NotFound, "a node that nobody knows is NotFound");
    if let Some(silent) = &fixture.silent {
        let nothing = fixture.messenger.exchange(silent, request()).await;
        let kept = nothing
            .as_ref()
            .is_err_and(|error| matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout));
        demand(kept, "a node that does not answer is Unavailable or Timeout", nothing);
    }
}
