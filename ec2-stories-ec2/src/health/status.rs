//! One instance's status as the family's.

use aws_sdk_ec2::types::{
    EventCode, InstanceStatus, InstanceStatusEvent, InstanceStatusSummary, StatusType, SummaryStatus,
};
use ec2_stories_core::model::{Check, InstanceHealth, InstanceState, Notice};

use crate::convert::{state, timestamp};

/// `None` where EC2 left out the id.
pub(super) fn health(from: &InstanceStatus) -> Option<InstanceHealth> {
    Some(InstanceHealth {
        id: from.instance_id()?.into(),
        state: from.instance_state().map_or(InstanceState::Pending, state),
        state_reason: None,
        system: check(from.system_status()),
        instance: check(from.instance_status()),
        notices: from.events().iter().filter_map(notice).collect(),
    })
}

fn check(from: Option<&InstanceStatusSummary>) -> Check {
    let Some(from) = from else { return Check::Unknown };
    match from.status() {
        Some(SummaryStatus::Ok) => Check::Ok,
        Some(SummaryStatus::Initializing) => Check::Initializing,
        Some(SummaryStatus::Impaired) => {
            let failed = from.details().iter().filter(|detail| detail.status() == Some(&StatusType::Failed));
            Check::Impaired(failed.filter_map(|detail| timestamp(detail.impaired_since()?)).min())
        }
        _ => Check::Unknown,
    }
}

/// An event that is over, or called off, is described for days, and only its text says so
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceStatusEvent.html>).
fn notice(from: &InstanceStatusEvent) -> Option<Notice> {
    let text = from.description().unwrap_or_default();
    if ["[Completed]", "[Canceled]", "[Cancelled]"].iter().any(|over| text.starts_with(over)) {
        return None;
    }
    let code = from.code()?;
    let ends = matches!(code, EventCode::InstanceRetirement | EventCode::InstanceStop);
    Some(Notice { what: code.as_str().to_owned(), ends, at: timestamp(from.not_before()?)? })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::InstanceStatusDetails;
    use aws_smithy_types::DateTime;

    use super::*;

    fn event(code: &str, text: &str) -> InstanceStatusEvent {
        let at = DateTime::from_secs(1_767_225_600);
        InstanceStatusEvent::builder().code(code.into()).description(text).not_before(at).build()
    }

    #[test]
    fn what_stops_an_instance_ends_it_and_what_is_over_is_no_notice() {
        let told =
            |code: &str, text: &str| notice(&event(code, text)).map(|notice| (notice.what, notice.ends));
        let some = |code: &str, ends: bool| Some((code.to_owned(), ends));
        assert_eq!(told("instance-retirement", "degraded"), some("instance-retirement", true));
        assert_eq!(told("instance-stop", "degraded"), some("instance-stop", true));
        assert_eq!(told("system-reboot", "soon"), some("system-reboot", false));
        assert_eq!(told("system-repair", "a code of tomorrow"), some("system-repair", false));
        assert_eq!(told("instance-stop", "[Completed] degraded"), None);
        assert_eq!(told("instance-stop", "[Canceled] degraded"), None);
    }

    #[test]
    fn checks_are_what_ec2_calls_them() {
        let of = |status: &str| check(Some(&InstanceStatusSummary::builder().status(status.into()).build()));
        assert_eq!([of("ok"), of("initializing")], [Check::Ok, Check::Initializing]);
        assert_eq!([of("insufficient-data"), of("not-applicable")], [Check::Unknown; 2]);
        assert_eq!(of("impaired"), Check::Impaired(None));
        let detail = InstanceStatusDetails::builder()
            .status(StatusType::Failed)
            .impaired_since(DateTime::from_secs(1_767_225_600));
        let impaired =
            InstanceStatusSummary::builder().status(SummaryStatus::Impaired).details(detail.build());
        assert_eq!(check(Some(&impaired.build())), Check::Impaired("2026-01-01T00:00:00Z".parse().ok()));
    }
}
