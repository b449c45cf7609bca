//! DescribeKeyPairs.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::state::Cloud;
use crate::state::keys::KeyPair;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{DescribeKeyPairsRequest, DescribeKeyPairsResponse, KeyPairInfo, Tag};

pub(crate) fn describe_key_pairs(
    cloud: &mut Cloud,
    _: &Ctx,
    request: DescribeKeyPairsRequest,
) -> Result<DescribeKeyPairsResponse, ApiError> {
    let mut found: Vec<&KeyPair> = Vec::new();
    for name in &request.key_names {
        found.push(cloud.keys.get(name)?);
    }
    for id in &request.key_pair_ids {
        found.push(cloud.keys.get_by_id(id)?);
    }
    if request.key_names.is_empty() && request.key_pair_ids.is_empty() {
        found.extend(cloud.keys.iter());
    }
    let with_public_key = request.include_public_key == Some(true);
    let shown = found.into_iter().map(|pair| KeyPairInfo {
        key_pair_id: Some(pair.id.clone()),
        key_name: Some(pair.name.clone()),
        key_type: Some(pair.key_type.to_owned()),
        key_fingerprint: Some(pair.fingerprint.clone()),
        public_key: with_public_key.then(|| pair.public_key.clone()),
        create_time: Some(pair.created),
        tags: cloud.tags.get(&pair.id),
    });
    Ok(DescribeKeyPairsResponse { key_pairs: matching(shown, &request.filters)? })
}

impl Filterable for KeyPairInfo {
    /// Source: DescribeKeyPairs, parameter Filter.N.
    const FIELDS: &'static [Field<Self>] = &[
        ("fingerprint", |pair| value(&pair.key_fingerprint)),
        ("key-name", |pair| value(&pair.key_name)),
        ("key-pair-id", |pair| value(&pair.key_pair_id)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
