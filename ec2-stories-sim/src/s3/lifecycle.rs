//! Rules that end uploads and objects by themselves.
//!
//! Source: S3 user guide, "Lifecycle configuration elements": days are counted from the start and rounded up to the next
//! midnight UTC.

use jiff::{Timestamp, ToSpan};
use s3s::dto::{BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule};

use super::state::{Bucket, Storage};

/// Carries out what rules have decided until now.
pub(super) fn settle(storage: &mut Storage, now: Timestamp) {
    for bucket in storage.buckets.values_mut().filter(|bucket| bucket.settings.lifecycle.is_some()) {
        let rules = bucket.settings.lifecycle.clone();
        let rules = rules.as_ref();
        bucket
            .uploads
            .retain(|(key, _), upload| abort_at(rules, key, upload.initiated).is_none_or(|(at, _)| now < at));
        bucket.objects.retain(|key, object| {
            let expires = matching(rules, key).filter_map(|rule| {
                let expiration = rule.expiration.as_ref()?;
                midnight_after(object.modified, expiration.days?)
            });
            expires.min().is_none_or(|at| now < at)
        });
    }
}

/// When an upload will be aborted, and the rule's id.
pub(super) fn abort_date(
    bucket: &Bucket,
    key: &str,
    initiated: Timestamp,
) -> Option<(Timestamp, Option<String>)> {
    abort_at(bucket.settings.lifecycle.as_ref(), key, initiated)
}

fn abort_at(
    rules: Option<&BucketLifecycleConfiguration>,
    key: &str,
    initiated: Timestamp,
) -> Option<(Timestamp, Option<String>)> {
    let dates = matching(rules, key).filter_map(|rule| {
        let days = rule.abort_incomplete_multipart_upload.as_ref()?.days_after_initiation?;
        Some((midnight_after(initiated, days)?, rule.id.clone()))
    });
    dates.min()
}

fn matching<'a>(
    rules: Option<&'a BucketLifecycleConfiguration>,
    key: &str,
) -> impl Iterator<Item = &'a LifecycleRule> {
    let rules = rules.map(|rules| rules.rules.as_slice()).unwrap_or_default();
    rules.iter().filter(move |rule| {
        let enabled = rule.status.as_str() == ExpirationStatus::ENABLED;
        let prefix =
            rule.filter.as_ref().and_then(|filter| filter.prefix.as_deref()).or(rule.prefix.as_deref());
        enabled && key.starts_with(prefix.unwrap_or_default())
    })
}

fn midnight_after(from: Timestamp, days: i32) -> Option<Timestamp> {
    let end = from.checked_add((i64::from(days) * 24).hours()).ok()?;
    let seconds = end.as_second();
    let midnight = (seconds + 86_399).div_euclid(86_400) * 86_400;
    Timestamp::from_second(midnight).ok()
}
