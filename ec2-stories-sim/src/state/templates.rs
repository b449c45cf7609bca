//! Launch templates. Without CreateLaunchTemplateVersion each has one version.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::wire::ApiError;
use crate::wire::generated::ec2::RequestLaunchTemplateData;

#[derive(Clone, Debug, Default)]
pub(crate) struct Templates {
    by_id: BTreeMap<String, Template>,
    /// Ids and fingerprints of requests, by client token.
    tokens: BTreeMap<String, (String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) created_by: String,
    pub(crate) description: Option<String>,
    pub(crate) data: RequestLaunchTemplateData,
}

/// The one version's number.
pub(crate) const VERSION: i64 = 1;

impl Templates {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Template> {
        self.by_id.values()
    }

    /// A template by its id or its name, one of which a request has to give.
    pub(crate) fn find(&self, id: Option<&str>, name: Option<&str>) -> Result<&Template, ApiError> {
        match (id, name) {
            (Some(id), None) => self.get(id),
            (None, Some(name)) => self.named(name),
            (Some(_), Some(_)) => Err(ApiError::invalid_combination(
                "The parameter launchTemplateName cannot be used with the parameter launchTemplateId",
            )),
            (None, None) => Err(ApiError::missing_parameter("LaunchTemplateId")),
        }
    }

    /// A version as a launch names it: a number, `$Latest`, `$Default`, or nothing for the default.
    pub(crate) fn version(
        &self,
        id: Option<&str>,
        name: Option<&str>,
        version: Option<&str>,
    ) -> Result<&Template, ApiError> {
        let template = self.find(id, name)?;
        template.check_version(version.unwrap_or("$Default"))?;
        Ok(template)
    }

    pub(crate) fn get(&self, id: &str) -> Result<&Template, ApiError> {
        if !id.starts_with("lt-") {
            return Err(ApiError::malformed_id("InvalidLaunchTemplateId.Malformed", id, "lt"));
        }
        self.by_id.get(id).ok_or_else(|| {
            let message = format!("The specified launch template, with template ID {id}, does not exist.");
            ApiError::new("InvalidLaunchTemplateId.NotFound", message)
        })
    }

    pub(crate) fn named(&self, name: &str) -> Result<&Template, ApiError> {
        self.by_id.values().find(|template| template.name == name).ok_or_else(|| {
            let message =
                format!("The specified launch template, with template name {name}, does not exist.");
            ApiError::new("InvalidLaunchTemplateName.NotFoundException", message)
        })
    }

    /// What an earlier request with this token made. Another request under the same token is an error.
    pub(crate) fn replay(&self, token: &str, fingerprint: &str) -> Result<Option<&Template>, ApiError> {
        let Some((id, first)) = self.tokens.get(token) else { return Ok(None) };
        if first != fingerprint {
            let message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
            return Err(ApiError::new("IdempotentParameterMismatch", message));
        }
        self.get(id).map(Some)
    }

    pub(crate) fn insert(
        &mut self,
        template: Template,
        token: Option<(String, String)>,
    ) -> Result<(), ApiError> {
        if self.named(&template.name).is_ok() {
            let message = "Launch template name already in use.";
            return Err(ApiError::new("InvalidLaunchTemplateName.AlreadyExistsException", message));
        }
        if let Some((token, fingerprint)) = token {
            self.tokens.insert(token, (template.id.clone(), fingerprint));
        }
        self.by_id.insert(template.id.clone(), template);
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Template> {
        self.tokens.retain(|_, (made, _)| made != id);
        self.by_id.remove(id)
    }
}

impl Template {
    pub(crate) fn check_version(&self, version: &str) -> Result<(), ApiError> {
        if ["$Latest", "$Default", "1"].contains(&version) {
            return Ok(());
        }
        let message = format!(
            "Could not find the specified version {version} for the launch template with ID {}.",
            self.id
        );
        Err(ApiError::new("InvalidLaunchTemplateId.VersionNotFound", message))
    }
}
