//! What several calls check alike.

use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::wire::ApiError;

/// RegisterImage, CreateImage, CopyImage, CreateSnapshot, parameter Description: "Constraints: Up to 255 characters".
const MAX_DESCRIPTION: usize = 255;

/// Characters of an image's name beside letters and digits. Source: RegisterImage, parameter Name.
const NAME: &str = "()[] ./-'@_";

/// A name that an image may have and that no other of the account has.
///
/// Source: RegisterImage, parameter Name; "Error codes for the Amazon EC2 API", InvalidAMIName.Malformed, .Duplicate.
pub(super) fn check_name(cloud: &Cloud, ctx: &Ctx, name: &str) -> Result<(), ApiError> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || NAME.contains(char);
    if !(3..=128).contains(&name.chars().count()) || !name.chars().all(allowed) {
        let message = "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', \
                       '.', '-', '/' and '_'";
        return Err(ApiError::new("InvalidAMIName.Malformed", message));
    }
    let other = cloud.images.live().find(|image| image.owner() == ctx.account && image.name() == name);
    match other {
        Some(image) => {
            let message = format!("AMI name {name} is already in use by AMI {}", image.id());
            Err(ApiError::new("InvalidAMIName.Duplicate", message))
        }
        None => Ok(()),
    }
}

pub(crate) fn check_description(description: Option<&str>) -> Result<(), ApiError> {
    match description.map(|text| text.chars().count()) {
        Some(length) if length > MAX_DESCRIPTION => Err(ApiError::invalid_parameter(format!(
            "The description is longer than {MAX_DESCRIPTION} characters"
        ))),
        _ => Ok(()),
    }
}

/// Accounts are twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Accounts, or one of some words.
pub(crate) fn check_accounts(
    parameter: &str,
    given: &[String],
    own: &[&str],
    others: &[&str],
) -> Result<(), ApiError> {
    let known = |text: &str| own.contains(&text) || others.contains(&text) || is_account(text);
    match given.iter().find(|text| !known(text)) {
        Some(text) => Err(ApiError::new(
            "InvalidUserID.Malformed",
            format!("Invalid user id: \"{text}\" in {parameter}"),
        )),
        None => Ok(()),
    }
}
