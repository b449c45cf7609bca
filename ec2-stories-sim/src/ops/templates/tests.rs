use super::*;
use crate::ops::testing::Bench;
use crate::wire::generated::ec2::RunInstancesRequest;

const WEB: &str = "LaunchTemplateName=web&LaunchTemplateData.ImageId=ami-1&LaunchTemplateData.InstanceType=m5.large\
                   &LaunchTemplateData.NetworkInterface.1.SecurityGroupId.1=sg-1\
                   &LaunchTemplateData.TagSpecification.1.ResourceType=instance\
                   &LaunchTemplateData.TagSpecification.1.Tag.1.Key=k&LaunchTemplateData.TagSpecification.1.Tag.1.Value=v";

#[test]
fn a_template_is_shown_as_it_was_given() {
    let mut bench = Bench::new();
    let made = bench.call(create_launch_template, WEB).unwrap().launch_template.unwrap();
    let form = "LaunchTemplateName=web&LaunchTemplateVersion.1=$Latest";
    let versions = bench.call(describe_launch_template_versions, form).unwrap().launch_template_versions;
    let data = versions[0].launch_template_data.as_ref().unwrap();
    assert_eq!(versions[0].launch_template_id, made.launch_template_id);
    assert_eq!(data.instance_type.as_deref(), Some("m5.large"));
    assert_eq!(data.network_interfaces[0].groups, ["sg-1"]);
    assert_eq!(data.tag_specifications[0].tags[0].value.as_deref(), Some("v"));
}

#[test]
fn a_launch_from_a_template_overrides_what_it_names() {
    let mut bench = Bench::new();
    bench.call(create_launch_template, WEB).unwrap();
    let template = bench.cloud.templates.version(None, Some("web"), None).unwrap().data.clone();
    let request = RunInstancesRequest { instance_type: Some("t3.micro".into()), ..Default::default() };
    let launch = request.or(template.into());
    assert_eq!(
        (launch.image_id.as_deref(), launch.instance_type.as_deref()),
        (Some("ami-1"), Some("t3.micro"))
    );
    assert_eq!(launch.tag_specifications[0].resource_type.as_deref(), Some("instance"));
}

#[test]
fn a_client_token_gives_the_same_template_again() {
    let mut bench = Bench::new();
    let form = format!("{WEB}&ClientToken=t");
    bench.ctx.fingerprint = "one".into();
    let first = bench.call(create_launch_template, &form).unwrap();
    assert_eq!(bench.call(create_launch_template, &form).unwrap(), first);
    bench.ctx.fingerprint = "other".into();
    assert_eq!(bench.refusal(create_launch_template, &form), "IdempotentParameterMismatch");
}

#[test]
fn names_are_checked_and_taken_once() {
    let mut bench = Bench::new();
    bench.call(create_launch_template, WEB).unwrap();
    assert_eq!(
        bench.refusal(create_launch_template, WEB),
        "InvalidLaunchTemplateName.AlreadyExistsException"
    );
    let short = WEB.replace("Name=web", "Name=w");
    assert_eq!(bench.refusal(create_launch_template, &short), "InvalidLaunchTemplateName.MalformedException");
    assert_eq!(bench.refusal(create_launch_template, "LaunchTemplateName=web"), "MissingParameter");
}

#[test]
fn what_is_not_there_is_refused() {
    let mut bench = Bench::new();
    bench.call(create_launch_template, WEB).unwrap();
    let version = "LaunchTemplateName=web&LaunchTemplateVersion.1=2";
    assert_eq!(
        bench.refusal(describe_launch_template_versions, version),
        "InvalidLaunchTemplateId.VersionNotFound"
    );
    bench.call(delete_launch_template, "LaunchTemplateName=web").unwrap();
    for form in ["LaunchTemplateName=web", "LaunchTemplateId=lt-1", "LaunchTemplateId=web"] {
        let code = bench.refusal(delete_launch_template, form);
        let kind =
            if form.contains("Name=") { "InvalidLaunchTemplateName" } else { "InvalidLaunchTemplateId" };
        assert!(code.starts_with(kind), "{form}: {code}");
    }
}
