//! Requests read: which operation, on what.

use bytes::Bytes;
use http::Method;

use super::Refusal;

/// An operation and what its path says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    StartSnapshot,
    PutSnapshotBlock(String, String),
    CompleteSnapshot(String),
    ListSnapshotBlocks(String),
    ListChangedBlocks(String),
    GetSnapshotBlock(String, String),
}

impl Call {
    pub(super) fn read(method: &Method, path: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let own = |text: &str| text.to_owned();
        match (method.as_str(), parts.as_slice()) {
            ("POST", ["snapshots"]) => Ok(Self::StartSnapshot),
            ("POST", ["snapshots", "completion", id]) => Ok(Self::CompleteSnapshot(own(id))),
            ("PUT", ["snapshots", id, "blocks", index]) => Ok(Self::PutSnapshotBlock(own(id), own(index))),
            ("GET", ["snapshots", id, "blocks"]) => Ok(Self::ListSnapshotBlocks(own(id))),
            ("GET", ["snapshots", id, "blocks", index]) => Ok(Self::GetSnapshotBlock(own(id), own(index))),
            ("GET", ["snapshots", id, "changedblocks"]) => Ok(Self::ListChangedBlocks(own(id))),
            _ => Err(Refusal::new(
                "UnknownOperationException",
                404,
                format!("No operation has the path {path}"),
            )),
        }
    }

    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::StartSnapshot => "StartSnapshot",
            Self::PutSnapshotBlock(..) => "PutSnapshotBlock",
            Self::CompleteSnapshot(_) => "CompleteSnapshot",
            Self::ListSnapshotBlocks(_) => "ListSnapshotBlocks",
            Self::ListChangedBlocks(_) => "ListChangedBlocks",
            Self::GetSnapshotBlock(..) => "GetSnapshotBlock",
        }
    }

    /// For the log.
    pub(super) fn params(&self, query: &str) -> Vec<(String, String)> {
        let mut params = Vec::new();
        let mut push = |name: &str, value: &str| params.push((name.to_owned(), value.to_owned()));
        match self {
            Self::StartSnapshot => {}
            Self::CompleteSnapshot(id) | Self::ListSnapshotBlocks(id) => push("SnapshotId", id),
            Self::ListChangedBlocks(id) => push("SecondSnapshotId", id),
            Self::PutSnapshotBlock(id, index) | Self::GetSnapshotBlock(id, index) => {
                push("SnapshotId", id);
                push("BlockIndex", index);
            }
        }
        params.extend(form_urlencoded::parse(query.as_bytes()).into_owned());
        params
    }
}

/// A request as its handlers see it.
pub(super) struct Request<'a> {
    pub(super) headers: &'a http::HeaderMap,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: &'a Bytes,
}

impl Request<'_> {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        let missing = || Refusal::invalid("INVALID_PARAMETER_VALUE", format!("The header {name} is missing"));
        self.header(name).ok_or_else(missing)
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

pub(super) fn index(text: &str) -> Result<u32, Refusal> {
    text.parse().map_err(|_| Refusal::invalid("INVALID_BLOCK", format!("{text} is no block index")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_operations() {
        let read = |method: Method, path: &str| Call::read(&method, path).map(|call| call.operation());
        assert_eq!(read(Method::POST, "/snapshots"), Ok("StartSnapshot"));
        assert_eq!(read(Method::POST, "/snapshots/completion/snap-1"), Ok("CompleteSnapshot"));
        assert_eq!(read(Method::PUT, "/snapshots/snap-1/blocks/7"), Ok("PutSnapshotBlock"));
        assert_eq!(read(Method::GET, "/snapshots/snap-1/blocks/7"), Ok("GetSnapshotBlock"));
        assert_eq!(read(Method::GET, "/snapshots/snap-1/blocks"), Ok("ListSnapshotBlocks"));
        assert_eq!(read(Method::GET, "/snapshots/snap-1/changedblocks"), Ok("ListChangedBlocks"));
        assert!(read(Method::DELETE, "/snapshots/snap-1").is_err());
    }
}
