"""Holds the simulation's wire against botocore, which writes and reads it from the same model by other code.

    cargo run --bin ec2-stories sim --listen 127.0.0.1:4599 &
    PYTHONPATH=.peers/botocore-1.44.5 python3 ec2-stories-sim/tests/botocore/wire.py http://127.0.0.1:4599

In: every simulated operation is called with every parameter it has, and none may be unknown.
Out: what botocore understood of a reply must be as many values as the reply has.
"""

import datetime
import sys
import xml.etree.ElementTree as ElementTree

import botocore.config
import botocore.exceptions
import botocore.session

# The handlers may refuse nonsense in any way but these.
WIRE_ERRORS = {"UnknownParameter", "MissingParameter", "MissingAction", "InternalError", "InternalFailure"}


def client(service, endpoint):
    session = botocore.session.Session()
    session.set_credentials("AKIAEXAMPLE", "secret")
    config = botocore.config.Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    return session.create_client(service, region_name="eu-west-1", endpoint_url=endpoint, config=config)


def everything(shape):
    """A value for a shape with every member in it."""
    match shape.type_name:
        case "structure":
            return {name: everything(member) for name, member in shape.members.items() if name != "DryRun"}
        case "list":
            return [everything(shape.member), everything(shape.member)]
        case "string":
            return shape.enum[0] if shape.enum else "x"
        case "integer" | "long":
            return int(shape.metadata.get("min", 1))
        case "float" | "double":
            return 1.5
        case "boolean":
            return True
        case "timestamp":
            return datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        case "blob":
            return b"x"
        case other:
            raise NotImplementedError(other)


def call(api, operation, parameters):
    """The reply, or the code of an error."""
    try:
        return api._make_api_call(operation, parameters), None
    except botocore.exceptions.ClientError as error:
        return None, error.response["Error"]["Code"]


def check_inputs(api):
    simulated = []
    for operation in api.meta.service_model.operation_names:
        shape = api.meta.service_model.operation_model(operation).input_shape
        try:
            parameters = everything(shape) if shape else {}
        except (NotImplementedError, RecursionError):
            continue  # Maps and recursive shapes: in no simulated operation.
        _, code = call(api, operation, parameters)
        if code in ("InvalidAction", "MissingAuthenticationToken"):  # The latter for unsigned calls of STS.
            continue
        assert code not in WIRE_ERRORS, f"{operation}: {code}"
        simulated.append(operation)
    return simulated


def leaves(value):
    if isinstance(value, dict):
        return sum(leaves(each) for each in value.values())
    if isinstance(value, list):
        return sum(leaves(each) for each in value)
    return 0 if value == "" else 1  # An empty text cannot be told from an empty list in the document.


def xml_leaves(element):
    children = list(element)
    if children:
        return sum(xml_leaves(child) for child in children)
    return 1 if element.text else 0


class Replies:
    """Compares each reply with what botocore made of it."""

    def __init__(self, api):
        self.compared = 0
        api.meta.events.register("after-call.*.*", self.compare)

    def compare(self, http_response, parsed, model, **_):
        if http_response.status_code != 200:
            return
        sent = xml_leaves(ElementTree.fromstring(http_response.content)) - 1  # The request id.
        understood = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        if model.output_shape is None:
            sent -= 1  # `return`
        assert leaves(understood) == sent, f"{model.name}: {sent} values, understood {leaves(understood)}"
        self.compared += 1


def check_outputs(ec2, sts):
    replies = [Replies(ec2), Replies(sts)]
    tags = lambda kind: [{"ResourceType": kind, "Tags": [{"Key": "role", "Value": "web"}]}]
    image = max(ec2.describe_images(Owners=["amazon"])["Images"], key=lambda image: image["CreationDate"])
    group = ec2.create_security_group(GroupName="web", Description="d", TagSpecifications=tags("security-group"))
    permissions = [
        {
            "IpProtocol": "tcp",
            "FromPort": 22,
            "ToPort": 22,
            "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "ssh"}],
            "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
            "UserIdGroupPairs": [{"GroupId": group["GroupId"]}],
        }
    ]
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=permissions)
    ec2.create_key_pair(KeyName="k", TagSpecifications=tags("key-pair"))
    template = {
        "ImageId": image["ImageId"],
        "TagSpecifications": tags("instance"),
        "UserData": "eA==",
        "NetworkInterfaces": [{"DeviceIndex": 0, "Groups": [group["GroupId"]], "AssociatePublicIpAddress": True}],
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 9}}],
        "MetadataOptions": {"HttpTokens": "required"},
    }
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=template)
    kind = "t4g.micro" if image["Architecture"] == "arm64" else "t3.micro"
    ec2.run_instances(
        ImageId=image["ImageId"],
        InstanceType=kind,
        KeyName="k",
        MinCount=2,
        MaxCount=2,
        SecurityGroupIds=[group["GroupId"]],
        TagSpecifications=tags("instance") + tags("volume"),
        BlockDeviceMappings=[{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 9, "Encrypted": True}}],
    )
    ec2.run_instances(
        LaunchTemplate={"LaunchTemplateName": "web"},
        InstanceType=kind,
        MinCount=1,
        MaxCount=1,
        InstanceMarketOptions={"MarketType": "spot"},
    )
    ec2.create_fleet(
        Type="instant",
        LaunchTemplateConfigs=[
            {
                "LaunchTemplateSpecification": {"LaunchTemplateName": "web", "Version": "$Latest"},
                "Overrides": [{"InstanceType": kind}],
            }
        ],
        TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "on-demand"},
    )
    for operation in ec2.meta.service_model.operation_names:
        if operation.startswith("Describe"):
            call(ec2, operation, {})
    ec2.describe_launch_template_versions(Versions=["$Latest"])
    ec2.describe_security_group_rules()
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=permissions)
    sts.get_caller_identity()
    sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/r", RoleSessionName="s")
    return sum(each.compared for each in replies)


def main(endpoint):
    ec2, sts = client("ec2", endpoint), client("sts", endpoint)
    print(check_outputs(ec2, sts), "replies understood in full")
    print(len(check_inputs(ec2) + check_inputs(sts)), "operations take every parameter of theirs")


main(*sys.argv[1:])
