//! EnableImageDeprecation, DisableImageDeprecation.

use jiff::{Timestamp, ToSpan};

use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::wire::generated::ec2::{
    DisableImageDeprecationRequest, DisableImageDeprecationResponse, EnableImageDeprecationRequest,
    EnableImageDeprecationResponse,
};
use crate::wire::{ApiError, time_text};

/// EnableImageDeprecation: "You can't specify a date in the past"; the upper limit is 10 years, 2 for a public AMI.
const YEARS: i64 = 10;
const YEARS_PUBLIC: i64 = 2;

pub(crate) fn enable_image_deprecation(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: EnableImageDeprecationRequest,
) -> Result<EnableImageDeprecationResponse, ApiError> {
    let id = req.image_id.unwrap_or_default();
    let at = req.deprecate_at.ok_or_else(|| ApiError::missing_parameter("DeprecateAt"))?;
    let public = cloud.images.own(&id, &ctx.account, ctx.now)?.is_public();
    let years = if public { YEARS_PUBLIC } else { YEARS };
    if at <= ctx.now || at > years_from(ctx.now, years) {
        let message = format!(
            "Value ({}) for parameter DeprecateAt is invalid. It must be in the future, by at most {years} years.",
            time_text(at)
        );
        return Err(ApiError::invalid_parameter(message));
    }
    set(cloud, &id, Some(whole_minute(at)));
    Ok(EnableImageDeprecationResponse { r#return: Some(true) })
}

pub(crate) fn disable_image_deprecation(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DisableImageDeprecationRequest,
) -> Result<DisableImageDeprecationResponse, ApiError> {
    let id = req.image_id.unwrap_or_default();
    cloud.images.own(&id, &ctx.account, ctx.now)?;
    set(cloud, &id, None);
    Ok(DisableImageDeprecationResponse { r#return: Some(true) })
}

fn set(cloud: &mut Cloud, id: &str, at: Option<Timestamp>) {
    if let Some(image) = cloud.images.get_mut(id) {
        image.image.deprecation_time = at.map(time_text);
    }
}

/// "If you specified a value for seconds, Amazon EC2 rounds the seconds to the nearest minute."
fn whole_minute(at: Timestamp) -> Timestamp {
    let minutes = (at.as_second() + 30).div_euclid(60);
    Timestamp::from_second(minutes * 60).unwrap_or(at)
}

fn years_from(now: Timestamp, years: i64) -> Timestamp {
    let later = now.to_zoned(jiff::tz::TimeZone::UTC).checked_add(years.years());
    later.map_or(Timestamp::MAX, |later| later.timestamp())
}
