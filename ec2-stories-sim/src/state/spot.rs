//! Spot instance requests: one for each spot instance, made by the launch itself.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::wire::ApiError;

#[derive(Clone, Debug)]
pub(crate) struct SpotRequest {
    pub(crate) id: String,
    pub(crate) instance: String,
    pub(crate) zone: String,
    pub(crate) max_price: Option<String>,
    pub(crate) persistent: bool,
    pub(crate) created: Timestamp,
    pub(crate) state: SpotState,
    /// Status code, such as `fulfilled`, and since when.
    pub(crate) status: (String, Timestamp),
}

/// Source: EC2 user guide, "Spot Instance request states".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpotState {
    Active,
    Closed,
    Cancelled,
}

impl SpotRequest {
    pub(crate) fn is_active(&self) -> bool {
        self.state == SpotState::Active
    }
}

impl SpotState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SpotRequests(BTreeMap<String, SpotRequest>);

impl SpotRequests {
    pub(crate) fn insert(&mut self, request: SpotRequest) {
        self.0.insert(request.id.clone(), request);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &SpotRequest> {
        self.0.values()
    }

    pub(crate) fn known(&self, ids: &[String]) -> Result<(), ApiError> {
        match ids.iter().find(|id| !self.0.contains_key(*id)) {
            None => Ok(()),
            Some(id) => Err(ApiError::new(
                "InvalidSpotInstanceRequestID.NotFound",
                format!("The spot instance request ID '{id}' does not exist"),
            )),
        }
    }

    /// Cancels a request; its instance runs on.
    ///
    /// Source: CancelSpotInstanceRequests; status code `request-canceled-and-instance-running`.
    pub(crate) fn cancel(&mut self, id: &str, now: Timestamp) {
        if let Some(request) = self.0.get_mut(id)
            && request.state == SpotState::Active
        {
            request.state = SpotState::Cancelled;
            request.status = ("request-canceled-and-instance-running".to_owned(), now);
        }
    }

    /// Closes the request of an instance that ended. A persistent one that nobody cancelled would launch again: it stays
    /// active here, and shows as a leak.
    pub(crate) fn instance_ended(&mut self, instance: &str, reason: &str, now: Timestamp) {
        let by_ec2 = reason.starts_with("Server.");
        for request in self.of(instance) {
            let code = if by_ec2 { "instance-terminated-no-capacity" } else { "instance-terminated-by-user" };
            request.status = (code.to_owned(), now);
            if !request.persistent && request.state == SpotState::Active {
                request.state = SpotState::Closed;
            }
        }
    }

    fn of(&mut self, instance: &str) -> impl Iterator<Item = &mut SpotRequest> {
        self.0.values_mut().filter(move |request| request.instance == instance)
    }
}
