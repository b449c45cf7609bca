//! Launch templates.

mod describe;
#[cfg(test)]
mod tests;

use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::templates::{Template, VERSION};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    CreateLaunchTemplateRequest, CreateLaunchTemplateResponse, DeleteLaunchTemplateRequest,
    DeleteLaunchTemplateResponse, LaunchTemplate,
};

pub(crate) use describe::{describe_launch_template_versions, describe_launch_templates};

/// The template's data is not checked beyond its form: EC2 does that at launch.
///
/// Source: CreateLaunchTemplate; "Launch template limitations", EC2 user guide ("A launch template's parameters are not
/// fully validated when you create it").
pub(crate) fn create_launch_template(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: CreateLaunchTemplateRequest,
) -> Result<CreateLaunchTemplateResponse, ApiError> {
    if let Some(token) = &request.client_token
        && let Some(made) = cloud.templates.replay(token, &ctx.fingerprint)?
    {
        let launch_template = Some(show(cloud, made));
        return Ok(CreateLaunchTemplateResponse { launch_template, warning: None });
    }
    if request.operator.is_some() {
        return Err(ApiError::new("UnsupportedOperation", "The simulation has no managed launch templates."));
    }
    let tags = cloud.tags.from_specifications("launch-template", &request.tag_specifications)?;
    let name = request.launch_template_name.unwrap_or_default();
    check_name(&name)?;
    let template = Template {
        id: ctx.id("lt"),
        name,
        created: ctx.now,
        created_by: ctx.principal.arn.clone(),
        description: request.version_description,
        data: request.launch_template_data.unwrap_or_default(),
    };
    let token = request.client_token.map(|token| (token, ctx.fingerprint.clone()));
    cloud.templates.insert(template.clone(), token)?;
    cloud.tags.set(&template.id, &tags)?;
    Ok(CreateLaunchTemplateResponse { launch_template: Some(show(cloud, &template)), warning: None })
}

/// Source: model, shape LaunchTemplateName (3 to 128 of `[a-zA-Z0-9\(\)\.\-/_]`).
fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "().-/_".contains(char);
    if (3..=128).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    let message = format!(
        "The launch template name '{name}' is malformed: 3 to 128 letters, digits and any of ( ) . - / _ are valid."
    );
    Err(ApiError::new("InvalidLaunchTemplateName.MalformedException", message))
}

pub(crate) fn delete_launch_template(
    cloud: &mut Cloud,
    _: &Ctx,
    request: DeleteLaunchTemplateRequest,
) -> Result<DeleteLaunchTemplateResponse, ApiError> {
    let (id, name) = (request.launch_template_id.as_deref(), request.launch_template_name.as_deref());
    let found = cloud.templates.find(id, name)?;
    let shown = show(cloud, found);
    let id = found.id.clone();
    cloud.templates.remove(&id);
    cloud.tags.remove(&id);
    Ok(DeleteLaunchTemplateResponse { launch_template: Some(shown) })
}

fn show(cloud: &Cloud, template: &Template) -> LaunchTemplate {
    LaunchTemplate {
        launch_template_id: Some(template.id.clone()),
        launch_template_name: Some(template.name.clone()),
        create_time: Some(template.created),
        created_by: Some(template.created_by.clone()),
        default_version_number: Some(VERSION),
        latest_version_number: Some(VERSION),
        tags: cloud.tags.get(&template.id),
        ..LaunchTemplate::default()
    }
}
