"""boto3 drives the simulation at the URL in argv: a deployment's life, and what EC2 refuses."""

import sys
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ec2, sts = (
    boto3.client(
        service,
        endpoint_url=sys.argv[1],
        region_name="eu-west-1",
        aws_access_key_id="AKIASIMULATED0000001",
        aws_secret_access_key="any",
        config=Config(retries={"mode": "standard"}),
    )
    for service in ("ec2", "sts")
)


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        found = error.response["Error"]["Code"]
        assert found == code, f"{found} instead of {code}"
    else:
        raise AssertionError(f"{code} was expected")


assert sts.get_caller_identity()["Account"].isdigit()
assert len(ec2.describe_availability_zones()["AvailabilityZones"]) == 3

images = ec2.describe_images(Owners=["136693071363"], Filters=[{"Name": "name", "Values": ["debian-12-amd64-*"]}])
image = max(images["Images"], key=lambda image: image["CreationDate"])["ImageId"]

group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
refused("InvalidPermission.Duplicate", ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[rule])

launch = {
    "ImageId": image,
    "InstanceType": "t3.micro",
    "MinCount": 2,
    "MaxCount": 2,
    "SecurityGroupIds": [group],
    "ClientToken": str(uuid.uuid4()),
    "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "shop", "Value": "web"}]}],
}
refused("DryRunOperation", ec2.run_instances, DryRun=True, **launch)
ids = [instance["InstanceId"] for instance in ec2.run_instances(**launch)["Instances"]]
again = [instance["InstanceId"] for instance in ec2.run_instances(**launch)["Instances"]]
assert ids == again and len(ids) == 2, "a replay launches nothing"
refused("IdempotentParameterMismatch", ec2.run_instances, **{**launch, "MaxCount": 3})

ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
tagged = ec2.get_paginator("describe_instances").paginate(
    Filters=[{"Name": "tag:shop", "Values": ["web"]}], PaginationConfig={"PageSize": 5}
)
found = [i["InstanceId"] for page in tagged for r in page["Reservations"] for i in r["Instances"]]
assert sorted(found) == sorted(ids)
# The first of these is throttled by the fault file; the SDK tries again.
assert len(ec2.describe_volumes()["Volumes"]) == 2

refused("InvalidInstanceID.NotFound", ec2.describe_instances, InstanceIds=["i-0123456789abcdef0"])
refused("InvalidParameterValue", ec2.describe_instances, Filters=[{"Name": "colour", "Values": ["red"]}])
refused("DependencyViolation", ec2.delete_security_group, GroupId=group)

ec2.terminate_instances(InstanceIds=ids)
ec2.get_waiter("instance_terminated").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
refused("IdempotentInstanceTerminated", ec2.run_instances, **launch)
ec2.delete_security_group(GroupId=group)
print("ok")
