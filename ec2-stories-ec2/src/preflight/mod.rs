//! Would the launch work? Every check looks at one thing and names the field to change; none spends anything.

mod access;
mod dry_run;
mod image;
mod instance_type;
mod place;

use ec2_stories_core::model::LaunchRequest;
use ec2_stories_core::provider::{Finding, Severity};
use ec2_stories_core::{Error, ErrorKind};
use futures::join;

use crate::api::Api;
use crate::launch::user_data;

/// What the checks have in common: the request, and where its fields are in the description.
pub(super) struct Checked<'a> {
    pub(super) api: &'a Api,
    pub(super) request: &'a LaunchRequest,
    field: &'a str,
}

pub(crate) async fn preflight(api: &Api, request: &LaunchRequest, field: &str) -> Vec<Finding> {
    let checked = Checked { api, request, field };
    let place_and_kind = async {
        let place = place::check(&checked).await;
        let kind = instance_type::look(&checked, place.zone.as_deref()).await;
        (place, kind)
    };
    let (image, (place, kind), key, groups, dry_run) = join!(
        image::check(&checked),
        place_and_kind,
        access::key(&checked),
        access::groups(&checked),
        dry_run::check(&checked),
    );
    let mut findings = user_data_size(&checked);
    findings.extend(instance_type::judge(&checked, &kind, &image));
    findings.extend([image.findings, kind.findings, place.findings, key, groups].into_iter().flatten());
    // The dry run says less about what a check of its own has found already.
    let known = |finding: &Finding| {
        findings.iter().any(|other| other.severity == Severity::Error && other.field == finding.field)
    };
    let new: Vec<Finding> = dry_run.into_iter().filter(|finding| !known(finding)).collect();
    findings.extend(new);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

impl Checked<'_> {
    pub(super) fn error(&self, field: &str, message: impl Into<String>) -> Finding {
        Finding { severity: Severity::Error, field: self.path(field), message: message.into() }
    }

    pub(super) fn note(&self, field: &str, message: impl Into<String>) -> Finding {
        Finding { severity: Severity::Note, field: self.path(field), message: message.into() }
    }

    /// A check that could not be made is worth a note, not a refusal.
    pub(super) fn unchecked(&self, field: &str, error: &Error) -> Finding {
        match (error.kind(), error.operation()) {
            (ErrorKind::Forbidden, Some(operation)) => {
                self.note(field, format!("not checked: the account may not call ec2:{operation}"))
            }
            _ => self.note(field, format!("not checked: {error}")),
        }
    }

    fn path(&self, field: &str) -> String {
        if field.is_empty() { self.field.to_owned() } else { format!("{}.{field}", self.field) }
    }
}

fn user_data_size(checked: &Checked<'_>) -> Vec<Finding> {
    let data = checked.request.user_data.as_deref().unwrap_or_default();
    match user_data::check(data, "user_data") {
        Ok(()) => Vec::new(),
        Err(error) => vec![checked.error("user_data", error.message().trim_start_matches("user_data: "))],
    }
}
