//! What controllers are about to do when they die.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ec2_stories::model::{Health, Replace};
use ec2_stories::prelude::*;
use ec2_stories::provider::Hold;

use super::place::Place;
use super::truth::Overlap;

/// One kind of life, from a start to the end of the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scenario {
    /// Two fleets that wait for each other, with groups that refer to each other and a key pair; up and down.
    Plain,
    /// With steps, names and a generated key.
    Customized,
    /// In production: left alone, adopted again, taken down.
    Detached,
    /// A node's instance is ended by somebody else, and replaced.
    Replaced,
    /// A healthy node is replaced because somebody asks for it, its next instance before its last.
    Asked,
    /// A fleet grows, and shrinks.
    Scaled,
    /// All nodes of a fleet are replaced, one after the other, for another image; the order survives whoever took it up.
    Updated,
    /// Nothing is replaced while the deployment is paused.
    Paused,
    /// A node that is held is not replaced.
    Held,
}

impl Scenario {
    pub(super) const ALL: [Self; 9] = [
        Self::Plain,
        Self::Customized,
        Self::Detached,
        Self::Replaced,
        Self::Asked,
        Self::Scaled,
        Self::Updated,
        Self::Paused,
        Self::Held,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Customized => "customized",
            Self::Detached => "detached",
            Self::Replaced => "replaced",
            Self::Asked => "asked",
            Self::Scaled => "scaled",
            Self::Updated => "updated",
            Self::Paused => "paused",
            Self::Held => "held",
        }
    }

    /// Whether a node may have instances of two generations at once.
    pub(super) fn overlap(self) -> Overlap {
        if self == Self::Asked { Overlap::OfGenerations } else { Overlap::Never }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|scenario| scenario.word() == word);
        known.ok_or_else(|| format!("there is no scenario {word:?}"))
    }
}

impl Scenario {
    /// What every controller of it describes.
    pub(super) async fn deployment(self, place: &Place) -> Deployment {
        self.from(place, "debian-12").await
    }

    /// The same, with the fleet that something is done to launched from this image.
    async fn from(self, place: &Place, image: &str) -> Deployment {
        let policy = |other| FirewallPolicy::builder().tcp(5432, Source::Fleet(Name::new(other).unwrap()));
        let debian = || Image::public("debian-12");
        let db = Fleet::builder().name("db").nodes(1).image(debian()).firewall(policy("web").build());
        let web =
            Fleet::builder().name("web").nodes(2).image(Image::public(image)).firewall(policy("db").build());
        let web = web.after("db");
        let (mode, web) = match self {
            Self::Plain => (Mode::Dev, web.key(KeyPairSpec::PublicKey(PUBLIC_KEY.to_owned())).build()),
            Self::Customized => {
                let key = KeyPairSpec::Generated(place.folder.join("key"));
                let web = web.key(key).customize(place.marks("1")).registrar(place.names());
                (Mode::Dev, web.build())
            }
            Self::Detached => (Mode::Production, web.registrar(place.names()).build()),
            Self::Replaced | Self::Asked | Self::Scaled | Self::Updated | Self::Paused | Self::Held => {
                let replace =
                    if self == Self::Asked { Replace::LaunchFirst } else { Replace::TerminateFirst };
                let web = web.customize(place.marks("1")).registrar(place.names());
                (Mode::Dev, web.health(Health { replace, ..Place::health() }).build())
            }
        };
        place.deployment(mode, [db.build().unwrap(), web.unwrap()]).await
    }

    /// A controller's whole life.
    pub(super) async fn live(self, place: &Place) {
        let deployment = self.deployment(place).await;
        match self {
            // Whoever was here before may have died in between.
            Self::Paused => deployment.resume().await.unwrap(),
            Self::Held => deployment.release(&place.node()).await.unwrap(),
            _ => {}
        }
        let running = match self {
            Self::Updated => self.update(place, &deployment).await,
            _ => deployment.start().await.unwrap(),
        };
        running.ready().await.unwrap();
        place.check(&running).await;
        match self {
            Self::Plain | Self::Customized => {}
            Self::Updated => place.is_on_another_image(&running),
            Self::Detached => {
                running.detach().await.unwrap().assert_clean();
                let again = deployment.start().await.unwrap();
                again.ready().await.unwrap();
                place.check(&again).await;
                return again.terminate().await.unwrap().assert_clean();
            }
            Self::Replaced => {
                let old = place.old(&running);
                place.end(&old).await;
                place.until_without(&running, &old).await;
            }
            Self::Asked => {
                let old = place.old(&running);
                if place.has(&running, &old) {
                    running.replace(&place.node(), "the test asks for it").await.unwrap();
                }
                place.until_without(&running, &old).await;
            }
            Self::Scaled => {
                for nodes in [3, 1] {
                    running.scale(&Name::new("web").unwrap(), nodes).await.unwrap();
                    place.until_of(&running, nodes).await;
                }
            }
            Self::Paused => {
                let old = place.old(&running);
                running.pause("the test", "to see that nothing changes").await.unwrap();
                place.end(&old).await;
                place.nothing_is_launched().await;
                running.resume().await.unwrap();
                place.until_without(&running, &old).await;
            }
            Self::Held => {
                let old = place.old(&running);
                let (owner, reason) = ("the test".to_owned(), "to see that it is left alone".to_owned());
                let hold = Hold { owner, reason, until: SystemClock.now() + Duration::from_secs(3600) };
                running.hold(&place.node(), hold).await.unwrap();
                place.end(&old).await;
                place.nothing_is_launched().await;
                running.release(&place.node()).await.unwrap();
                place.until_without(&running, &old).await;
            }
        }
        running.terminate().await.unwrap().assert_clean();
    }
}

impl Scenario {
    /// Orders the update, or goes on with it: once it is ordered a plain start does.
    async fn update(self, place: &Place, before: &Deployment) -> Running {
        let after = self.from(place, "ubuntu-24.04").await;
        match place.note("update").as_deref() {
            None => {
                let mut running = before.start().await.unwrap();
                running.ready().await.unwrap();
                place.check(&running).await;
                place.write("image", &place.images(&running)[0]);
                place.write("update", "begun");
                running.update(&after).await.unwrap();
                place.write("update", "ordered");
                running
            }
            Some("begun") => {
                let running = after.start_updating().await.unwrap();
                place.write("update", "ordered");
                running
            }
            Some(_) => after.start().await.unwrap(),
        }
    }
}

const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFkQ0Qm2H9qC4dCzO0m4Fq0wqJmQ4hVQ0Qm2H9qC4dCz shop";
