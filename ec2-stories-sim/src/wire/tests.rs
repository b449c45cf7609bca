//! The generated wire code against requests and replies as SDKs write and read them.

use super::generated::ec2::{
    CreateTagsResponse, DescribeImagesRequest, DescribeSubnetsRequest, Operation, RunInstancesRequest,
    RunInstancesResponse, TagSpecification, TerminateInstancesRequest,
};
use super::generated::ec2::{GroupIdentifier, Instance, InstanceState, Tag};
use super::generated::sts::{AssumeRoleRequest, GetCallerIdentityResponse};
use super::{ApiError, Params, Request, Response};

fn parse<T: Request>(form: &str) -> Result<T, ApiError> {
    T::parse(&Params::from_form(form.as_bytes())?)
}

fn code<T: Request>(form: &str) -> String {
    parse::<T>(form).err().expect("refused").code.into_owned()
}

#[test]
fn run_instances_is_read_with_nested_lists() {
    let request: RunInstancesRequest = parse(
        "Action=RunInstances&Version=2016-11-15&ImageId=ami-1&MinCount=1&MaxCount=3&SecurityGroupId.1=sg-1\
         &SecurityGroupId.2=sg-2&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k\
         &TagSpecification.1.Tag.1.Value=&ClientToken=t&Placement.Tenancy=dedicated&DryRun=true",
    )
    .unwrap();
    assert_eq!((request.min_count, request.max_count), (Some(1), Some(3)));
    assert_eq!(request.security_group_ids, ["sg-1", "sg-2"]);
    assert_eq!(
        request.tag_specifications,
        [TagSpecification {
            resource_type: Some("instance".into()),
            tags: vec![Tag { key: Some("k".into()), value: Some(String::new()) }]
        }]
    );
    assert_eq!(request.placement.unwrap().tenancy.as_deref(), Some("dedicated"));
    assert_eq!(request.dry_run, Some(true));
}

#[test]
fn what_the_model_does_not_allow_is_refused() {
    let run = "Action=RunInstances&MinCount=1&MaxCount=1";
    assert_eq!(code::<RunInstancesRequest>("Action=RunInstances&MinCount=1"), "MissingParameter");
    assert_eq!(code::<RunInstancesRequest>(&format!("{run}&Nonsense=1")), "UnknownParameter");
    assert_eq!(code::<RunInstancesRequest>(&format!("{run}&SecurityGroupIds.1=sg-1")), "UnknownParameter");
    assert_eq!(
        code::<RunInstancesRequest>(&format!("{run}&Placement.Tenancy=mine")),
        "InvalidParameterValue"
    );
    assert_eq!(code::<RunInstancesRequest>("Action=A&MinCount=x&MaxCount=1"), "InvalidParameterValue");
    assert_eq!(code::<TerminateInstancesRequest>("Action=TerminateInstances"), "MissingParameter");
    assert_eq!(
        code::<DescribeSubnetsRequest>("Action=DescribeSubnets&MaxResults=4"),
        "InvalidParameterValue"
    );
    assert!(parse::<DescribeImagesRequest>("Action=DescribeImages&Owner.1=self").is_ok());
}

#[test]
fn a_reply_is_written_with_the_names_of_the_wire() {
    let reply = RunInstancesResponse {
        reservation_id: Some("r-1".into()),
        instances: vec![Instance {
            instance_id: Some("i-1".into()),
            state: Some(InstanceState { code: Some(0), name: Some("pending".into()) }),
            security_groups: vec![GroupIdentifier {
                group_id: Some("sg-1".into()),
                group_name: Some("web".into()),
            }],
            ..Instance::default()
        }],
        ..RunInstancesResponse::default()
    };
    let xml = reply.to_xml("id-1");
    assert!(xml.contains(
        "<RunInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>id-1<"
    ));
    assert!(xml.contains("<instanceState><code>0</code><name>pending</name></instanceState>"));
    assert!(
        xml.contains("<groupSet><item><groupId>sg-1</groupId><groupName>web</groupName></item></groupSet>")
    );
    assert!(CreateTagsResponse::default().to_xml("id").contains("<return>true</return>"));
}

#[test]
fn sts_has_a_level_more() {
    let request: AssumeRoleRequest =
        parse("Action=AssumeRole&RoleArn=r&RoleSessionName=s&PolicyArns.member.1.arn=p").unwrap();
    assert_eq!(request.policy_arns[0].arn.as_deref(), Some("p"));
    let xml = GetCallerIdentityResponse { account: Some("1".into()), ..Default::default() }.to_xml("id-1");
    assert!(xml.contains("<GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult>"));
    assert!(xml.contains("<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>"));
}

#[test]
fn an_operation_that_is_not_here_is_unknown() {
    assert_eq!(Operation::from_name("RunInstances").map(Operation::name), Some("RunInstances"));
    assert_eq!(Operation::from_name("CreateVpc"), None);
}
