"""boto3 makes an image of a file at the simulation of argv: from the upload to nothing left."""

import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

URL, KEY, SECRET = sys.argv[1:]
TAGS = [{"Key": "deployment", "Value": "shop"}]
SOON = {"Delay": 1, "MaxAttempts": 60}


def client(service, region="us-east-1"):
    return boto3.client(
        service,
        endpoint_url=URL,
        region_name=region,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(retries={"mode": "standard"}, s3={"addressing_style": "path"}),
    )


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        found = error.response["Error"]["Code"]
        assert found == code, f"{found} instead of {code}"
    else:
        raise AssertionError(f"{code} was expected")


def tagged(*kinds):
    return [{"ResourceType": kind, "Tags": TAGS} for kind in kinds]


def known(call, **arguments):
    """The first answer of a call that names a new id."""
    for _ in range(50):
        try:
            return call(**arguments)
        except ClientError as error:
            if not error.response["Error"]["Code"].endswith("NotFound"):
                raise
            time.sleep(0.05)
    raise AssertionError(f"{arguments} is not known")


s3, ec2, elsewhere = client("s3"), client("ec2"), client("ec2", "eu-west-1")

s3.create_bucket(Bucket="uploads")
s3.put_object(Bucket="uploads", Key="web.raw", Body=b"disk" * 1000)


def start(key, form="RAW", **more):
    disk = {"Format": form, "UserBucket": {"S3Bucket": "uploads", "S3Key": key}}
    return ec2.import_snapshot(DiskContainer=disk, TagSpecifications=tagged("import-snapshot-task"), **more)


refused("InvalidParameter", start, key="none.raw")
task = start("web.raw", ClientToken="content-7")["ImportTaskId"]
assert start("web.raw", ClientToken="content-7")["ImportTaskId"] == task
foreign = start("web.raw", "VMDK")["ImportTaskId"]
time.sleep(0.1)
ec2.get_waiter("snapshot_imported").wait(ImportTaskIds=[task], WaiterConfig=SOON)
try:
    ec2.get_waiter("snapshot_imported").wait(ImportTaskIds=[foreign], WaiterConfig=SOON)
except WaiterError as error:
    detail = error.last_response["ImportSnapshotTasks"][0]["SnapshotTaskDetail"]
    assert detail["StatusMessage"].startswith("ClientError: "), detail
else:
    raise AssertionError("raw bytes are no VMDK")
detail = ec2.describe_import_snapshot_tasks(ImportTaskIds=[task])["ImportSnapshotTasks"][0]["SnapshotTaskDetail"]
snapshot = detail["SnapshotId"]
ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig=SOON)
ec2.create_tags(Resources=[snapshot], Tags=TAGS)
found = ec2.get_paginator("describe_snapshots").paginate(
    OwnerIds=["self"], Filters=[{"Name": "tag:deployment", "Values": ["shop"]}]
)
assert [s["SnapshotId"] for page in found for s in page["Snapshots"]] == [snapshot]

spec = {
    "Name": "web-7",
    "Architecture": "x86_64",
    "VirtualizationType": "hvm",
    "EnaSupport": True,
    "SriovNetSupport": "simple",
    "ImdsSupport": "v2.0",
    "BootMode": "uefi",
    "TpmSupport": "v2.0",
    "RootDeviceName": "/dev/xvda",
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot, "VolumeType": "gp3"}}],
    "TagSpecifications": tagged("image"),
}
image = ec2.register_image(**spec)["ImageId"]
refused("InvalidAMIName.Duplicate", ec2.register_image, **spec)
refused("InvalidSnapshot.InUse", ec2.delete_snapshot, SnapshotId=snapshot)
known(ec2.describe_images, ImageIds=[image])
ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig=SOON)
shown = ec2.describe_images(Owners=["self"])["Images"]
assert [i["ImageId"] for i in shown] == [image] and shown[0]["Tags"] == TAGS, shown

ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": "111111111111"}]})
ec2.modify_snapshot_attribute(
    SnapshotId=snapshot, Attribute="createVolumePermission", OperationType="add", UserIds=["111111111111"]
)
permissions = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"]
assert permissions == [{"UserId": "111111111111"}], permissions
ec2.enable_image_deprecation(ImageId=image, DeprecateAt=time.time() + 365 * 24 * 3600)
assert ec2.describe_images(ImageIds=[image])["Images"][0]["DeprecationTime"]

copy = {"Name": "web-7", "SourceImageId": image, "SourceRegion": "us-east-1", "ClientToken": "copy-7"}
copied = elsewhere.copy_image(**copy, CopyImageTags=True, TagSpecifications=tagged("snapshot"))["ImageId"]
assert elsewhere.copy_image(**copy, CopyImageTags=True, TagSpecifications=tagged("snapshot"))["ImageId"] == copied
known(elsewhere.describe_images, ImageIds=[copied])
elsewhere.get_waiter("image_available").wait(ImageIds=[copied], WaiterConfig=SOON)
assert elsewhere.describe_images(ImageIds=[copied])["Images"][0]["SourceImageId"] == image

for api, id in ((ec2, image), (elsewhere, copied)):
    reply = api.deregister_image(ImageId=id, DeleteAssociatedSnapshots=True)
    assert [result["ReturnCode"] for result in reply["DeleteSnapshotResults"]] == ["success"], reply
    assert api.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
s3.delete_object(Bucket="uploads", Key="web.raw")
s3.delete_bucket(Bucket="uploads")
print("ok")
