//! DescribeImages.

use super::check::check_accounts;
use crate::ctx::Ctx;
use crate::filter::Matcher;
use crate::page;
use crate::state::Cloud;
use crate::state::images::{ImageState, Registered, not_found};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{DescribeImagesRequest, DescribeImagesResponse, Image};

/// Owners that are names for several accounts. Source: DescribeImages, parameter Owner.N.
const ALIASES: [&str; 3] = ["amazon", "aws-marketplace", "aws-backup-vault"];

pub(crate) fn describe_images(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: DescribeImagesRequest,
) -> Result<DescribeImagesResponse, ApiError> {
    page::check_size(request.max_results, 1, 1000)?;
    let mut found = if request.image_ids.is_empty() {
        let shown = |image: &&Registered| image.is_shown(ctx) && request.shows_deprecated(image, ctx);
        cloud.images.all().filter(shown).collect()
    } else {
        named(cloud, ctx, &request.image_ids)?
    };
    check_accounts("Owner", &request.owners, &["self"], &ALIASES)?;
    check_accounts("ExecutableBy", &request.executable_users, &["self", "all"], &[])?;
    found.retain(|image| {
        (request.owners.is_empty() || request.owners.iter().any(|owner| owned_by(image, owner, &ctx.account)))
            && (request.executable_users.is_empty()
                || request.executable_users.iter().any(|user| executable_by(image, user, &ctx.account)))
    });
    let matcher = Matcher::new(&request.filters)?;
    let tagged =
        found.into_iter().map(|image| Image { tags: cloud.tags.get(image.id()), ..image.shown(ctx.now) });
    let found = tagged.filter(|image| matcher.matches(image)).collect();
    let key = |image: &Image| image.image_id.clone().unwrap_or_default();
    let (images, next_token) = page::cut(found, key, request.max_results, request.next_token.as_deref())?;
    Ok(DescribeImagesResponse { images, next_token })
}

/// The images of these ids. One that is gone fails the call, but for as long as an instance still names it: "After all
/// instances that reference a deregistered AMI are terminated, specifying the ID of the image will eventually return
/// an error" (DescribeImages).
fn named<'a>(cloud: &'a Cloud, ctx: &Ctx, ids: &[String]) -> Result<Vec<&'a Registered>, ApiError> {
    let mut found = Vec::new();
    for id in ids {
        match cloud.images.get(id).filter(|image| image.deregistered.is_some()) {
            None => found.push(cloud.images.known(id, &ctx.account, ctx.now)?),
            Some(gone) if gone.is_shown(ctx) => found.push(gone),
            Some(_) if is_referenced(cloud, ctx, id) => {}
            Some(_) => return Err(not_found(id)),
        }
    }
    Ok(found)
}

fn is_referenced(cloud: &Cloud, ctx: &Ctx, id: &str) -> bool {
    cloud.instances.all().any(|instance| instance.image.id == id && !instance.state(ctx.now).is_ending())
}

impl Registered {
    fn is_shown(&self, ctx: &Ctx) -> bool {
        let gone = self.state(ctx.now) == ImageState::Deregistered;
        let in_time = self.deregistered.is_none_or(|deregistered| ctx.now < deregistered.shown_until);
        self.visible_at <= ctx.now && self.launchable_by(&ctx.account) && (!gone || in_time)
    }
}

impl DescribeImagesRequest {
    /// "If you are the AMI owner, all deprecated AMIs appear in the response regardless of what you specify."
    ///
    /// Source: DescribeImages, parameter IncludeDeprecated.
    fn shows_deprecated(&self, image: &Registered, ctx: &Ctx) -> bool {
        self.include_deprecated == Some(true)
            || image.owner() == ctx.account
            // Both are ISO 8601 in UTC, which sorts by time.
            || image.image.deprecation_time.as_deref().is_none_or(|time| time > ctx.now.to_string().as_str())
    }
}

fn owned_by(image: &Registered, owner: &str, account: &str) -> bool {
    let wanted = if owner == "self" { account } else { owner };
    image.owner() == wanted || image.image.image_owner_alias.as_deref() == Some(wanted)
}

/// Source: DescribeImages, parameter ExecutableBy.N: "If you specify an AWS account ID, self, or all, only AMIs with
/// explicit launch permissions for that account, for you, or for everyone".
fn executable_by(image: &Registered, user: &str, account: &str) -> bool {
    match user {
        "all" => image.is_public(),
        "self" => image.names(account),
        other => image.names(other),
    }
}
