//! DescribeLaunchTemplates and DescribeLaunchTemplateVersions.

use super::show;
use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::page;
use crate::state::Cloud;
use crate::state::templates::{Template, VERSION};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    DescribeLaunchTemplateVersionsRequest, DescribeLaunchTemplateVersionsResponse,
    DescribeLaunchTemplatesRequest, DescribeLaunchTemplatesResponse, LaunchTemplate, LaunchTemplateVersion,
    ResponseLaunchTemplateData, Tag,
};

pub(crate) fn describe_launch_templates(
    cloud: &mut Cloud,
    _: &Ctx,
    request: DescribeLaunchTemplatesRequest,
) -> Result<DescribeLaunchTemplatesResponse, ApiError> {
    let mut found: Vec<&Template> = Vec::new();
    for id in &request.launch_template_ids {
        found.push(cloud.templates.get(id)?);
    }
    for name in &request.launch_template_names {
        found.push(cloud.templates.named(name)?);
    }
    if request.launch_template_ids.is_empty() && request.launch_template_names.is_empty() {
        found.extend(cloud.templates.iter());
    }
    let found = matching(found.into_iter().map(|template| show(cloud, template)), &request.filters)?;
    let key = |template: &LaunchTemplate| template.launch_template_id.clone().unwrap_or_default();
    let (launch_templates, next_token) =
        page::cut(found, key, request.max_results, request.next_token.as_deref())?;
    Ok(DescribeLaunchTemplatesResponse { launch_templates, next_token })
}

impl Filterable for LaunchTemplate {
    /// Source: DescribeLaunchTemplates, parameter Filter.N.
    const FIELDS: &'static [Field<Self>] =
        &[("launch-template-name", |template| value(&template.launch_template_name))];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}

/// Without a template the versions `$Latest` and `$Default` of all. Source: DescribeLaunchTemplateVersions,
/// parameter LaunchTemplateVersion.N.
pub(crate) fn describe_launch_template_versions(
    cloud: &mut Cloud,
    _: &Ctx,
    request: DescribeLaunchTemplateVersionsRequest,
) -> Result<DescribeLaunchTemplateVersionsResponse, ApiError> {
    page::check_size(request.max_results, 1, 200)?;
    let (id, name) = (request.launch_template_id.as_deref(), request.launch_template_name.as_deref());
    let found: Vec<&Template> = if id.is_some() || name.is_some() {
        let template = cloud.templates.find(id, name)?;
        for version in &request.versions {
            template.check_version(version)?;
        }
        vec![template]
    } else if request.versions.is_empty() {
        return Err(ApiError::missing_parameter("LaunchTemplateId"));
    } else {
        if let Some(version) =
            request.versions.iter().find(|version| !["$Latest", "$Default"].contains(&version.as_str()))
        {
            return Err(ApiError::invalid_value(version, "LaunchTemplateVersion"));
        }
        cloud.templates.iter().collect()
    };
    let bound = |version: Option<&String>| version.and_then(|number| number.parse::<i64>().ok());
    let from = bound(request.min_version.as_ref()).unwrap_or(VERSION);
    let to = bound(request.max_version.as_ref()).unwrap_or(VERSION);
    let within = (from..=to).contains(&VERSION);
    let found = matching(found.into_iter().filter(|_| within).map(show_version), &request.filters)?;
    let key = |version: &LaunchTemplateVersion| version.launch_template_id.clone().unwrap_or_default();
    let (launch_template_versions, next_token) =
        page::cut(found, key, request.max_results, request.next_token.as_deref())?;
    Ok(DescribeLaunchTemplateVersionsResponse { launch_template_versions, next_token })
}

fn show_version(template: &Template) -> LaunchTemplateVersion {
    LaunchTemplateVersion {
        launch_template_id: Some(template.id.clone()),
        launch_template_name: Some(template.name.clone()),
        launch_template_data: Some(template.data.clone().into()),
        create_time: Some(template.created),
        created_by: Some(template.created_by.clone()),
        default_version: Some(true),
        version_description: template.description.clone(),
        version_number: Some(VERSION),
        ..LaunchTemplateVersion::default()
    }
}

fn data(
    version: &LaunchTemplateVersion,
    member: fn(&ResponseLaunchTemplateData) -> &Option<String>,
) -> Vec<String> {
    version.launch_template_data.iter().flat_map(|data| value(member(data))).collect()
}

impl Filterable for LaunchTemplateVersion {
    /// Source: DescribeLaunchTemplateVersions, parameter Filter.N.
    const FIELDS: &'static [Field<Self>] = &[
        ("image-id", |version| data(version, |data| &data.image_id)),
        ("instance-type", |version| data(version, |data| &data.instance_type)),
        ("is-default-version", |version| value(&version.default_version)),
        ("kernel-id", |version| data(version, |data| &data.kernel_id)),
        ("ram-disk-id", |version| data(version, |data| &data.ram_disk_id)),
    ];
    const TAGGED: bool = false;

    fn tags(&self) -> Option<&[Tag]> {
        None
    }
}
