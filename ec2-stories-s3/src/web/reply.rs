//! A reply.

use std::collections::BTreeMap;

use bytes::Bytes;

/// What a web site answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebReply {
    /// The HTTP status, one of those that count as success.
    pub status: u16,
    /// Headers, their names in lower case; of several of one name, the last.
    pub headers: BTreeMap<String, String>,
    /// The content; empty where it went into a file.
    pub body: Bytes,
}

impl WebReply {
    /// The content as text, with what is no UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
