//! The service role with which EC2 reads an upload.

use std::fmt;

/// The role that ImportSnapshot takes on to read the object, `vmimport` unless another is named. It has to be made once in
/// an account (<https://docs.aws.amazon.com/vm-import/latest/userguide/required-permissions.html>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRole {
    pub(super) name: String,
}

impl Default for ImportRole {
    fn default() -> Self {
        Self::named("vmimport")
    }
}

impl ImportRole {
    /// A role of this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// Its trust policy.
    #[must_use]
    pub fn trust_policy(&self) -> String {
        concat!(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","#,
            r#""Principal":{"Service":"vmie.amazonaws.com"},"Action":"sts:AssumeRole","#,
            r#""Condition":{"StringEquals":{"sts:Externalid":"vmimport"}}}]}"#
        )
        .to_owned()
    }

    /// What it must be allowed to do, for uploads in this bucket.
    #[must_use]
    pub fn policy(&self, bucket: &str) -> String {
        format!(
            concat!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","#,
                r#""Action":["s3:GetBucketLocation","s3:GetObject","s3:ListBucket"],"#,
                r#""Resource":["arn:aws:s3:::{bucket}","arn:aws:s3:::{bucket}/*"]}},"#,
                r#"{{"Effect":"Allow","Action":["ec2:ModifySnapshotAttribute","ec2:CopySnapshot","#,
                r#""ec2:RegisterImage","ec2:Describe*"],"Resource":"*"}}]}}"#
            ),
            bucket = bucket
        )
    }

    /// The commands that make it.
    pub(super) fn how_to_make(&self, bucket: &str) -> String {
        let Self { name } = self;
        format!(
            "create it once: aws iam create-role --role-name {name} --assume-role-policy-document '{}' && \
             {}",
            self.trust_policy(),
            self.how_to_allow(bucket)
        )
    }

    /// The command that lets it read the bucket.
    pub(super) fn how_to_allow(&self, bucket: &str) -> String {
        let Self { name } = self;
        let policy = self.policy(bucket);
        format!(
            "aws iam put-role-policy --role-name {name} --policy-name {name} --policy-document '{policy}'"
        )
    }
}

impl fmt::Display for ImportRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_are_json() {
        let role = ImportRole::default();
        for policy in [role.trust_policy(), role.policy("images")] {
            let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
            assert_eq!(policy["Version"], "2012-10-17");
        }
        assert!(role.policy("images").contains("arn:aws:s3:::images/*"));
    }
}
