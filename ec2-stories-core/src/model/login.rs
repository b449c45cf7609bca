//! How a fleet's nodes are logged in to.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{FleetSpec, Image, Instance, KeyPairSpec};

/// How a fleet's nodes are logged in to over SSH. What is not said is taken from the rest of the fleet's description.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginSpec {
    /// The user; where not said, the one that the publisher of a public image made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The TCP port; 22 where not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The file of the private key; where not said, that of the fleet's generated key pair, else the agent's keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<PathBuf>,
    /// Which address is connected to; where not said, the public one of a node that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<LoginAddress>,
    /// How host keys are verified; where not said, against the user's own known hosts. Nothing turns it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_keys: Option<HostKeys>,
}

/// Which of a node's addresses is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginAddress {
    /// The public one.
    Public,
    /// The private one.
    Private,
}

/// Where the key that a host must show is known from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKeys {
    /// A file in OpenSSH's `known_hosts` format.
    KnownHosts(PathBuf),
    /// This public key, in OpenSSH's format: an image that has its host key built in.
    Pinned(String),
    /// Host certificates of this authority: its public key, in OpenSSH's format.
    Authority(String),
    /// What the host printed on its console at its first boot.
    Console,
    /// A key that the deployment makes, puts into user data, and replaces at the first login. Its private half is in this
    /// file, readable by its owner only, and in user data until then.
    Injected(PathBuf),
}

/// SSH's port (RFC 4253, section 4.1).
const SSH: u16 = 22;

impl LoginSpec {
    /// The fleet's login with everything filled in that its description tells.
    #[must_use]
    pub fn of(fleet: &FleetSpec) -> Self {
        let Self { user, private_key, .. } = fleet.login.clone();
        let published = || match &fleet.image {
            Image::Public(name) => Image::public_user(name).map(str::to_owned),
            _ => None,
        };
        let generated = || match &fleet.key {
            Some(KeyPairSpec::Generated(file)) => Some(file.clone()),
            _ => None,
        };
        Self {
            user: user.or_else(published),
            private_key: private_key.or_else(generated),
            ..fleet.login.clone()
        }
    }

    /// The port that is connected to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(SSH)
    }

    /// The address that is connected to; `None` while the instance does not have it.
    #[must_use]
    pub fn host<'a>(&self, instance: &'a Instance) -> Option<&'a str> {
        let (public, private) = (instance.public_ip.as_deref(), instance.private_ip.as_deref());
        match self.address {
            Some(LoginAddress::Public) => public,
            Some(LoginAddress::Private) => private,
            None => public.or(private),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Fleet;

    fn spec(image: Image, key: Option<KeyPairSpec>, login: LoginSpec) -> FleetSpec {
        let fleet = Fleet::builder().name("web").nodes(1).image(image).maybe_key(key).login(login).build();
        fleet.unwrap().spec().clone()
    }

    #[test]
    fn what_is_not_said_is_taken_from_the_fleet() {
        let key = KeyPairSpec::Generated("shop.pem".into());
        let login = LoginSpec::of(&spec(Image::public("debian-12"), Some(key), LoginSpec::default()));
        assert_eq!(login.user.as_deref(), Some("admin"));
        assert_eq!(login.private_key.as_deref(), Some(Path::new("shop.pem")));
        assert_eq!(login.port(), 22);
    }

    #[test]
    fn what_is_said_stays() {
        let said = LoginSpec {
            user: Some("deploy".to_owned()),
            private_key: Some("mine".into()),
            port: Some(2222),
            ..LoginSpec::default()
        };
        let key = KeyPairSpec::Generated("shop.pem".into());
        assert_eq!(LoginSpec::of(&spec(Image::public("debian-12"), Some(key), said.clone())), said);
    }

    #[test]
    fn every_public_image_has_a_user() {
        for name in Image::public_names() {
            assert!(Image::public_user(name).is_some(), "{name}");
        }
    }
}
