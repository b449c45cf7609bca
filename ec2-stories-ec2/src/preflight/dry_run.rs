//! The launch itself, as a dry run: permissions, quotas, and what EC2 alone knows. It does not use up the token.

use ec2_stories_core::provider::Finding;
use ec2_stories_core::{Error, ErrorKind};

use super::Checked;
use crate::api::{Call, dry_run};
use crate::launch::run_instances;

pub(super) async fn check(checked: &Checked<'_>) -> Option<Finding> {
    let run = match run_instances(&checked.api.client, checked.request) {
        Ok(run) => run.dry_run(true),
        Err(error) => {
            let field = error.resource().unwrap_or_default().to_owned();
            return Some(checked.error(&field, error.message().trim_start_matches(&format!("{field}: "))));
        }
    };
    // Nothing is launched, so the resource bucket is left alone.
    let answer = checked.api.call(Call::reading("RunInstances").of(0), run.send()).await;
    dry_run(answer).err().map(|error| judge(checked, &error))
}

fn judge(checked: &Checked<'_>, error: &Error) -> Finding {
    let code = error.api_code().unwrap_or_default();
    match error.kind() {
        ErrorKind::Forbidden => {
            checked.error("", format!("the account may not call ec2:RunInstances: {}", error.message()))
        }
        ErrorKind::Credentials => checked.error("", format!("the credentials were refused: {error}")),
        ErrorKind::Limit if code.starts_with("InsufficientFreeAddresses") => {
            checked.error("subnets", error.message())
        }
        ErrorKind::Limit => checked.error("nodes", format!("{code}: {}", error.message())),
        ErrorKind::Capacity if code == "Unsupported" => checked.error("instance_types", error.message()),
        // There may be room again by the time of the launch, or elsewhere.
        ErrorKind::Capacity => checked.note("instance_types", error.message()),
        ErrorKind::Invalid | ErrorKind::NotFound => {
            checked.error(field_of(code, error.message()), format!("{code}: {}", error.message()))
        }
        _ => checked.unchecked("", error),
    }
}

/// The field that an error of EC2 is about.
fn field_of(code: &str, message: &str) -> &'static str {
    match code {
        _ if code.starts_with("InvalidAMI") => "image",
        _ if code.starts_with("InvalidSubnet") => "subnets",
        _ if code.starts_with("InvalidKeyPair") => "key",
        _ if code.starts_with("InvalidGroup") || code.starts_with("InvalidSecurityGroup") => {
            "security_groups"
        }
        _ if code.starts_with("InvalidUserData") => "user_data",
        _ if code.starts_with("InvalidBlockDevice") || code.starts_with("InvalidSnapshot") => "volumes",
        _ if message.contains("iamInstanceProfile") || message.contains("IAM Instance Profile") => {
            "instance_profile"
        }
        _ if message.contains("availability") || message.contains("Availability") => "zones",
        _ if message.contains("instance type") || message.contains("InstanceType") => "instance_types",
        _ if message.contains("ser data") => "user_data",
        _ if message.contains("olume") => "volumes",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_messages_lead_to_fields() {
        assert_eq!(field_of("InvalidAMIID.NotFound", ""), "image");
        assert_eq!(
            field_of("InvalidParameterValue", "Value (x) for parameter iamInstanceProfile.name is invalid."),
            "instance_profile"
        );
        assert_eq!(field_of("InvalidParameterCombination", "something else"), "");
    }
}
