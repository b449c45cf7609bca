//! DescribeSecurityGroupRules.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::page;
use crate::state::Cloud;
use crate::state::network::rule_not_found;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    DescribeSecurityGroupRulesRequest, DescribeSecurityGroupRulesResponse, SecurityGroupRule, Tag,
};

pub(crate) fn describe_security_group_rules(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: DescribeSecurityGroupRulesRequest,
) -> Result<DescribeSecurityGroupRulesResponse, ApiError> {
    let ids = &request.security_group_rule_ids;
    let all: Vec<SecurityGroupRule> = cloud
        .network
        .security_groups()
        .flat_map(|group| group.all_rules().map(move |rule| (group, rule)))
        .filter(|(_, rule)| ids.is_empty() || ids.contains(&rule.id))
        .map(|(group, rule)| rule.describe(&ctx.region, &group.id, &ctx.account, cloud.tags.get(&rule.id)))
        .collect();
    if let Some(id) =
        ids.iter().find(|id| !all.iter().any(|rule| rule.security_group_rule_id.as_ref() == Some(*id)))
    {
        return Err(rule_not_found(id));
    }
    let found = matching(all, &request.filters)?;
    let key = |rule: &SecurityGroupRule| rule.security_group_rule_id.clone().unwrap_or_default();
    let (security_group_rules, next_token) =
        page::cut(found, key, request.max_results, request.next_token.as_deref())?;
    Ok(DescribeSecurityGroupRulesResponse { security_group_rules, next_token })
}

impl Filterable for SecurityGroupRule {
    /// Source: DescribeSecurityGroupRules, parameter Filter.N. It has `tag:KEY` and no `tag-key`, which is let pass.
    const FIELDS: &'static [Field<Self>] = &[
        ("group-id", |rule| value(&rule.group_id)),
        ("security-group-rule-id", |rule| value(&rule.security_group_rule_id)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
