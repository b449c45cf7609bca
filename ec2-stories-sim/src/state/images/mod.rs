//! Images: the public ones that every region has, those that tests add, and those that calls make.

mod public;
mod seed;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub(crate) use seed::NewImage;

use crate::wire::ApiError;
use crate::wire::generated::ec2::{Image, LaunchPermission, StateReason};

/// The images of a region.
#[derive(Clone, Debug)]
pub(crate) struct Images(BTreeMap<String, Registered>);

/// An image and what time decides about it.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    /// As it is described, but for its state.
    pub(crate) image: Image,
    /// From when calls that name it know it.
    pub(crate) visible_at: Timestamp,
    /// When it is `available`, or `failed` where it fails.
    pub(crate) ready_at: Timestamp,
    /// Why it ends as `failed`.
    pub(crate) failure: Option<String>,
    pub(crate) deregistered: Option<Deregistered>,
    /// Who may launch it beside its owner.
    pub(crate) permissions: Vec<LaunchPermission>,
    /// It was here before the test began, so it is no leak.
    pub(crate) seeded: bool,
}

/// An image that is gone still shows for a while.
///
/// Source: DescribeImages: "Recently deregistered images appear in the returned results for a short interval and then
/// return empty results."
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deregistered {
    pub(crate) shown_until: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageState {
    Pending,
    Available,
    Failed,
    Deregistered,
}

impl ImageState {
    /// Source: API reference, Image, member `imageState`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Failed => "failed",
            Self::Deregistered => "deregistered",
        }
    }
}

impl Registered {
    pub(crate) fn id(&self) -> &str {
        self.image.image_id.as_deref().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.image.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn owner(&self) -> &str {
        self.image.owner_id.as_deref().unwrap_or_default()
    }

    pub(crate) fn state(&self, now: Timestamp) -> ImageState {
        match &self.deregistered {
            Some(_) => ImageState::Deregistered,
            None if now < self.ready_at => ImageState::Pending,
            None if self.failure.is_some() => ImageState::Failed,
            None => ImageState::Available,
        }
    }

    /// The image as it is described now, without its tags.
    pub(crate) fn shown(&self, now: Timestamp) -> Image {
        let state = self.state(now);
        let reason = self.failure.as_ref().filter(|_| state == ImageState::Failed);
        Image {
            state: Some(state.name().to_owned()),
            state_reason: reason.map(|message| StateReason {
                code: Some("Client.InternalError".to_owned()),
                message: Some(message.clone()),
            }),
            public: Some(self.is_public()),
            ..self.image.clone()
        }
    }

    pub(crate) fn is_public(&self) -> bool {
        self.permissions.iter().any(|permission| permission.group.as_deref() == Some("all"))
    }

    /// Whether the permissions name an account.
    pub(crate) fn names(&self, account: &str) -> bool {
        self.permissions.iter().any(|permission| permission.user_id.as_deref() == Some(account))
    }

    pub(crate) fn launchable_by(&self, account: &str) -> bool {
        self.owner() == account || self.is_public() || self.names(account)
    }

    /// The snapshots that its volumes are made of.
    pub(crate) fn snapshots(&self) -> impl Iterator<Item = &str> {
        let disks = self.image.block_device_mappings.iter().filter_map(|mapping| mapping.ebs.as_ref());
        disks.filter_map(|disk| disk.snapshot_id.as_deref())
    }
}

impl Images {
    pub(crate) fn new(region: &str) -> Self {
        let mut images = Self(BTreeMap::new());
        for image in public::of(region) {
            images.seed(image);
        }
        images
    }

    /// Adds an image that is available and always was.
    pub(crate) fn seed(&mut self, new: NewImage) {
        let everyone = LaunchPermission { group: Some("all".to_owned()), ..LaunchPermission::default() };
        let permissions = if new.public { vec![everyone] } else { Vec::new() };
        self.insert(Registered {
            image: new.image(),
            visible_at: Timestamp::UNIX_EPOCH,
            ready_at: Timestamp::UNIX_EPOCH,
            failure: None,
            deregistered: None,
            permissions,
            seeded: true,
        });
    }

    pub(crate) fn insert(&mut self, image: Registered) {
        self.0.insert(image.id().to_owned(), image);
    }

    /// Every image, deregistered ones too.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Registered> {
        self.0.values()
    }

    /// The images that are not deregistered.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Registered> {
        self.all().filter(|image| image.deregistered.is_none())
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Registered> {
        self.0.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Registered> {
        self.0.get_mut(id)
    }

    /// An image that `account` may launch, that calls know by now and that is not deregistered.
    ///
    /// Source: "Error codes for the Amazon EC2 API", InvalidAMIID.Malformed, .NotFound, .Unavailable.
    pub(crate) fn known(&self, id: &str, account: &str, now: Timestamp) -> Result<&Registered, ApiError> {
        if !id.starts_with("ami-") {
            return Err(ApiError::malformed_id("InvalidAMIID.Malformed", id, "ami"));
        }
        let found = self.0.get(id).filter(|image| image.visible_at <= now && image.launchable_by(account));
        let image = found.ok_or_else(|| not_found(id))?;
        if image.deregistered.is_some() {
            return Err(unavailable(id));
        }
        Ok(image)
    }

    /// An image that can be launched or copied.
    pub(crate) fn available(&self, id: &str, account: &str, now: Timestamp) -> Result<&Registered, ApiError> {
        let image = self.known(id, account, now)?;
        if image.state(now) == ImageState::Available { Ok(image) } else { Err(unavailable(id)) }
    }

    /// An image of the caller's own, as what changes it wants.
    pub(crate) fn own(&self, id: &str, account: &str, now: Timestamp) -> Result<&Registered, ApiError> {
        let image = self.known(id, account, now)?;
        if image.owner() == account {
            return Ok(image);
        }
        let message = format!("Not authorized for image:{id}");
        Err(ApiError::new("AuthFailure", message).with_status(403))
    }
}

pub(crate) fn not_found(id: &str) -> ApiError {
    ApiError::new("InvalidAMIID.NotFound", format!("The image id '[{id}]' does not exist"))
}

fn unavailable(id: &str) -> ApiError {
    ApiError::new("InvalidAMIID.Unavailable", format!("The image ID '{id}' is not available"))
}
