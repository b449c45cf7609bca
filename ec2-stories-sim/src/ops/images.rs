//! DescribeImages.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, Matcher, value, values};
use crate::page;
use crate::state::Cloud;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    BlockDeviceMapping, DescribeImagesRequest, DescribeImagesResponse, EbsBlockDevice, Image, Tag,
};

/// Owners that are names for several accounts. Source: DescribeImages, parameter Owner.N.
const ALIASES: [&str; 3] = ["amazon", "aws-marketplace", "aws-backup-vault"];

pub(crate) fn describe_images(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: DescribeImagesRequest,
) -> Result<DescribeImagesResponse, ApiError> {
    page::check_size(request.max_results, 1, 1000)?;
    let mut found: Vec<&Image> = Vec::new();
    for id in &request.image_ids {
        let image = cloud.images.get(id)?;
        if !visible(image, &ctx.account) {
            return Err(ApiError::new(
                "InvalidAMIID.NotFound",
                format!("The image id '[{id}]' does not exist"),
            ));
        }
        found.push(image);
    }
    if request.image_ids.is_empty() {
        let now = ctx.now.to_string();
        let shown = |image: &&Image| request.shows_deprecated(image, &ctx.account, &now);
        found.extend(cloud.images.iter().filter(|image| visible(image, &ctx.account)).filter(shown));
    }
    check_accounts("Owner", &request.owners, &["self"], &ALIASES)?;
    check_accounts("ExecutableBy", &request.executable_users, &["self", "all"], &[])?;
    found.retain(|image| {
        (request.owners.is_empty() || request.owners.iter().any(|owner| owned_by(image, owner, &ctx.account)))
            && request.executable_users.iter().all(|user| executable_by(image, user))
    });
    let matcher = Matcher::new(&request.filters)?;
    let tagged = found.into_iter().map(|image| {
        let tags = cloud.tags.get(image.image_id.as_deref().unwrap_or_default());
        Image { tags, ..image.clone() }
    });
    let found = tagged.filter(|image| matcher.matches(image)).collect();
    let key = |image: &Image| image.image_id.clone().unwrap_or_default();
    let (images, next_token) = page::cut(found, key, request.max_results, request.next_token.as_deref())?;
    Ok(DescribeImagesResponse { images, next_token })
}

impl DescribeImagesRequest {
    /// "If you are the AMI owner, all deprecated AMIs appear in the response regardless of what you specify."
    ///
    /// Source: DescribeImages, parameter IncludeDeprecated.
    fn shows_deprecated(&self, image: &Image, account: &str, now: &str) -> bool {
        self.include_deprecated == Some(true)
            || image.owner_id.as_deref() == Some(account)
            // Both are ISO 8601 in UTC, which sorts by time.
            || image.deprecation_time.as_deref().is_none_or(|time| time > now)
    }
}

pub(crate) fn visible(image: &Image, account: &str) -> bool {
    image.public == Some(true) || image.owner_id.as_deref() == Some(account)
}

fn owned_by(image: &Image, owner: &str, account: &str) -> bool {
    let wanted = if owner == "self" { account } else { owner };
    image.owner_id.as_deref() == Some(wanted) || image.image_owner_alias.as_deref() == Some(wanted)
}

/// Public images are everyone's; explicit launch permissions are not given here.
fn executable_by(image: &Image, user: &str) -> bool {
    user == "all" && image.public == Some(true)
}

/// Accounts are twelve digits, or one of some words.
fn check_accounts(parameter: &str, given: &[String], own: &[&str], others: &[&str]) -> Result<(), ApiError> {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let known = |text: &str| own.contains(&text) || others.contains(&text) || is_account(text);
    match given.iter().find(|text| !known(text)) {
        Some(text) => Err(ApiError::new(
            "InvalidUserID.Malformed",
            format!("Invalid user id: \"{text}\" in {parameter}"),
        )),
        None => Ok(()),
    }
}

fn disk<V: ToString>(image: &Image, member: fn(&EbsBlockDevice) -> &Option<V>) -> Vec<String> {
    let disks = image.block_device_mappings.iter().filter_map(|mapping| mapping.ebs.as_ref());
    disks.flat_map(|disk| value(member(disk))).collect()
}

impl Filterable for Image {
    /// Source: DescribeImages, parameter Filter.N.
    const FIELDS: &'static [Field<Self>] = &[
        ("architecture", |image| value(&image.architecture)),
        ("block-device-mapping.delete-on-termination", |image| {
            disk(image, |disk| &disk.delete_on_termination)
        }),
        ("block-device-mapping.device-name", |image| {
            values(&image.block_device_mappings, |mapping: &BlockDeviceMapping| &mapping.device_name)
        }),
        ("block-device-mapping.encrypted", |image| disk(image, |disk| &disk.encrypted)),
        ("block-device-mapping.snapshot-id", |image| disk(image, |disk| &disk.snapshot_id)),
        ("block-device-mapping.volume-size", |image| disk(image, |disk| &disk.volume_size)),
        ("block-device-mapping.volume-type", |image| disk(image, |disk| &disk.volume_type)),
        ("creation-date", |image| value(&image.creation_date)),
        ("description", |image| value(&image.description)),
        ("ena-support", |image| value(&image.ena_support)),
        ("hypervisor", |image| value(&image.hypervisor)),
        ("image-id", |image| value(&image.image_id)),
        ("image-type", |image| value(&image.image_type)),
        ("is-public", |image| value(&image.public)),
        ("manifest-location", |image| value(&image.image_location)),
        ("name", |image| value(&image.name)),
        ("owner-alias", |image| value(&image.image_owner_alias)),
        ("owner-id", |image| value(&image.owner_id)),
        ("platform", |image| value(&image.platform)),
        ("root-device-name", |image| value(&image.root_device_name)),
        ("root-device-type", |image| value(&image.root_device_type)),
        ("source-image-id", |image| value(&image.source_image_id)),
        ("source-image-region", |image| value(&image.source_image_region)),
        ("sriov-net-support", |image| value(&image.sriov_net_support)),
        ("state", |image| value(&image.state)),
        ("virtualization-type", |image| value(&image.virtualization_type)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::Bench;
    use crate::state::images::NewImage;

    fn names(bench: &mut Bench, form: &str) -> Vec<String> {
        let mut images = bench.call(describe_images, form).unwrap().images;
        images.sort_by_key(|image| image.creation_date.clone());
        images.into_iter().map(|image| image.name.unwrap()).collect()
    }

    fn private(bench: &mut Bench, id: &str, owner: &str) {
        bench.cloud.images.insert(NewImage {
            id: id.into(),
            name: "web-7".into(),
            description: String::new(),
            owner: owner.into(),
            owner_alias: None,
            public: false,
            architecture: "x86_64".into(),
            root_device: "/dev/xvda".into(),
            root_gib: 8,
            created: "2026-05-01T00:00:00.000Z".into(),
            deprecated: None,
        });
    }

    #[test]
    fn the_newest_image_of_a_publisher_is_found_by_owner_and_name() {
        let mut bench = Bench::new();
        let form = "Owner.1=136693071363&Filter.1.Name=name&Filter.1.Value.1=debian-12-*\
                    &Filter.2.Name=architecture&Filter.2.Value.1=arm64";
        let found = names(&mut bench, form);
        assert_eq!(found.len(), 3);
        assert!(found[2].starts_with("debian-12-arm64-20251103"), "{found:?}");
        assert_eq!(names(&mut bench, "Owner.1=amazon").len(), 18);
        assert_eq!(names(&mut bench, "Owner.1=self").len(), 0);
    }

    #[test]
    fn an_image_says_what_a_launch_needs() {
        let mut bench = Bench::new();
        for image in bench.call(describe_images, "").unwrap().images {
            assert_eq!(image.virtualization_type.as_deref(), Some("hvm"));
            assert_eq!(image.imds_support.as_deref(), Some("v2.0"));
            assert_eq!(image.ena_support, Some(true));
            assert_eq!(image.root_device_name, image.block_device_mappings[0].device_name);
        }
    }

    #[test]
    fn ids_are_told_malformed_from_missing() {
        let mut bench = Bench::new();
        assert_eq!(bench.refusal(describe_images, "ImageId.1=debian"), "InvalidAMIID.Malformed");
        let error = bench.call(describe_images, "ImageId.1=ami-1").unwrap_err();
        assert_eq!(
            (&*error.code, &*error.message),
            ("InvalidAMIID.NotFound", "The image id '[ami-1]' does not exist")
        );
        assert_eq!(bench.refusal(describe_images, "Owner.1=me"), "InvalidUserID.Malformed");
    }

    #[test]
    fn private_images_are_their_owners() {
        let mut bench = Bench::new();
        private(&mut bench, "ami-mine", "123456789012");
        private(&mut bench, "ami-theirs", "210987654321");
        assert_eq!(names(&mut bench, "Owner.1=self"), ["web-7"]);
        assert_eq!(bench.refusal(describe_images, "ImageId.1=ami-theirs"), "InvalidAMIID.NotFound");
    }

    #[test]
    fn deprecated_images_are_shown_on_demand() {
        let mut bench = Bench::new();
        bench.ctx.now = "2027-03-01T00:00:00Z".parse().unwrap();
        assert_eq!(names(&mut bench, "Owner.1=136693071363").len(), 4);
        assert_eq!(names(&mut bench, "Owner.1=136693071363&IncludeDeprecated=true").len(), 6);
    }
}
