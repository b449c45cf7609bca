//! DescribeVpcs.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value, values};
use crate::page;
use crate::state::Cloud;
use crate::state::network::{self, stable_id};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    DescribeVpcsRequest, DescribeVpcsResponse, Tag, Vpc, VpcCidrBlockAssociation, VpcCidrBlockState,
};

pub(crate) fn describe_vpcs(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: DescribeVpcsRequest,
) -> Result<DescribeVpcsResponse, ApiError> {
    let found: Vec<&network::Vpc> = match request.vpc_ids.as_slice() {
        [] => cloud.network.vpcs().collect(),
        ids => ids.iter().map(|id| cloud.network.vpc(id)).collect::<Result<_, _>>()?,
    };
    let shown = found.into_iter().map(|vpc| show(cloud, ctx, vpc));
    let found = matching(shown, &request.filters)?;
    let key = |vpc: &Vpc| vpc.vpc_id.clone().unwrap_or_default();
    let (vpcs, next_token) = page::cut(found, key, request.max_results, request.next_token.as_deref())?;
    Ok(DescribeVpcsResponse { vpcs, next_token })
}

fn show(cloud: &Cloud, ctx: &Ctx, vpc: &network::Vpc) -> Vpc {
    Vpc {
        vpc_id: Some(vpc.id.clone()),
        cidr_block: Some(vpc.cidr.to_string()),
        cidr_block_association_set: vec![VpcCidrBlockAssociation {
            association_id: Some(stable_id("vpc-cidr-assoc", &vpc.id)),
            cidr_block: Some(vpc.cidr.to_string()),
            cidr_block_state: Some(VpcCidrBlockState {
                state: Some("associated".to_owned()),
                status_message: None,
            }),
        }],
        dhcp_options_id: Some(stable_id("dopt", &ctx.region)),
        instance_tenancy: Some("default".to_owned()),
        is_default: Some(vpc.is_default),
        owner_id: Some(ctx.account.clone()),
        state: Some("available".to_owned()),
        tags: cloud.tags.get(&vpc.id),
        ..Vpc::default()
    }
}

impl Filterable for Vpc {
    /// Source: DescribeVpcs, parameter Filter.N.
    const FIELDS: &'static [Field<Self>] = &[
        ("cidr", |vpc| value(&vpc.cidr_block)),
        ("cidr-block-association.association-id", |vpc| {
            values(&vpc.cidr_block_association_set, |block| &block.association_id)
        }),
        ("cidr-block-association.cidr-block", |vpc| {
            values(&vpc.cidr_block_association_set, |block| &block.cidr_block)
        }),
        ("cidr-block-association.state", |vpc| {
            let states =
                vpc.cidr_block_association_set.iter().filter_map(|block| block.cidr_block_state.as_ref());
            states.filter_map(|state| state.state.clone()).collect()
        }),
        ("dhcp-options-id", |vpc| value(&vpc.dhcp_options_id)),
        ("is-default", |vpc| value(&vpc.is_default)),
        ("isDefault", |vpc| value(&vpc.is_default)),
        ("owner-id", |vpc| value(&vpc.owner_id)),
        ("state", |vpc| value(&vpc.state)),
        ("vpc-id", |vpc| value(&vpc.vpc_id)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
