//! An instance as the cloud shows it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    AvailabilityZone, ClientToken, ImageId, InstanceId, InstanceType, NodeAddress, Ownership, ReservationId,
    Tags,
};

/// An instance's state, in EC2's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// Accepted, not running yet; may still fail and become terminated.
    Pending,
    /// The machine was started; says nothing of the operating system.
    Running,
    /// Going to `Terminated`.
    ShuttingDown,
    /// Gone; visible for under an hour.
    Terminated,
    /// Going to `Stopped`.
    Stopping,
    /// Off, its volumes billed.
    Stopped,
}

impl InstanceState {
    /// EC2's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// Terminated, or on the way there with no way back.
    #[must_use]
    pub fn is_ending(self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }
}

impl fmt::Display for InstanceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why an instance is in its state, such as `Server.InternalError`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReason {
    /// EC2's code.
    pub code: String,
    /// EC2's message.
    pub message: String,
}

/// An instance as one describe showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Its state.
    pub state: InstanceState,
    /// Why it is in that state, where EC2 says so.
    pub state_reason: Option<StateReason>,
    /// The reservation that it was launched in.
    pub reservation: ReservationId,
    /// Its index in that launch, from 0.
    pub launch_index: u32,
    /// The token it was launched under.
    pub token: Option<ClientToken>,
    /// Its image.
    pub image: ImageId,
    /// Its type.
    pub instance_type: InstanceType,
    /// Its zone.
    pub zone: AvailabilityZone,
    /// Its private IPv4 address.
    pub private_ip: Option<String>,
    /// Its public IPv4 address.
    pub public_ip: Option<String>,
    /// Its private DNS name.
    pub private_dns: Option<String>,
    /// Its public DNS name.
    pub public_dns: Option<String>,
    /// Whether it is a spot instance.
    pub spot: bool,
    /// When it was launched.
    pub launched_at: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

impl Instance {
    /// The launch it belongs to, where it is one of ours.
    #[must_use]
    pub fn ownership(&self) -> Option<Ownership> {
        Ownership::from_tags(&self.tags)
    }

    /// The node it is for, where it is one of ours.
    #[must_use]
    pub fn node(&self) -> Option<NodeAddress> {
        self.ownership()?.node(self.launch_index)
    }
}

/// What is known of an instance that does not do what was waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Its last state, where it was seen at all.
    pub state: Option<InstanceState>,
    /// EC2's reason for the state.
    pub state_reason: Option<StateReason>,
    /// The system and instance status checks, such as `ok` or `impaired`.
    pub status_checks: Option<(String, String)>,
    /// The end of its console output.
    pub console_tail: Option<String>,
    /// The inbound rules of its security groups, one a line.
    pub firewall_rules: Vec<String>,
}

impl fmt::Display for StateReason {
    /// EC2 begins most messages with the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, message } = self;
        if message.starts_with(code.as_str()) { f.write_str(message) } else { write!(f, "{code}: {message}") }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            Some(state) => write!(f, "state {state}")?,
            None => f.write_str("never seen")?,
        }
        if let Some(reason) = &self.state_reason {
            write!(f, " ({reason})")?;
        }
        if let Some((system, instance)) = &self.status_checks {
            write!(f, "; status checks: system {system}, instance {instance}")?;
        }
        if !self.firewall_rules.is_empty() {
            write!(f, "; inbound: {}", self.firewall_rules.join(", "))?;
        }
        if let Some(tail) = &self.console_tail {
            write!(f, "; console ends: {}", tail.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::StateReason;

    #[test]
    fn a_reason_says_its_code_once() {
        for message in ["Client.UserInitiatedShutdown: User initiated shutdown", "User initiated shutdown"] {
            let reason =
                StateReason { code: "Client.UserInitiatedShutdown".to_owned(), message: message.to_owned() };
            assert_eq!(reason.to_string(), "Client.UserInitiatedShutdown: User initiated shutdown");
        }
    }
}
