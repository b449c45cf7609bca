//! DescribeImages over what is there from the start.

use super::*;
use crate::ops::testing::Bench;
use crate::state::images::NewImage;

fn names(bench: &mut Bench, form: &str) -> Vec<String> {
    let mut images = bench.call(describe_images, form).unwrap().images;
    images.sort_by_key(|image| image.creation_date.clone());
    images.into_iter().map(|image| image.name.unwrap()).collect()
}

fn private(bench: &mut Bench, id: &str, owner: &str) {
    let new = NewImage {
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
    };
    bench.cloud.images.seed(new);
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
