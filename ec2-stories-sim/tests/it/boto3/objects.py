"""boto3 uses S3 and the EBS direct APIs at the simulation of argv, and leaves nothing."""

import base64
import hashlib
import io
import sys
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

URL, KEY, SECRET = sys.argv[1:]
MIB = 1 << 20


def client(service, key=KEY, secret=SECRET):
    return boto3.client(
        service,
        endpoint_url=URL,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(s3={"addressing_style": "path"}, signature_version="s3v4" if service == "s3" else None),
    )


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        found = error.response["Error"]["Code"]
        assert found == code, f"{found} instead of {code}"
    else:
        raise AssertionError(f"{code} was expected")


s3 = client("s3")
s3.create_bucket(Bucket="web")
content = bytes(range(256)) * (20 * MIB // 256) + b"end"

# Parts, in parallel, by the transfer manager; then as one object, ranged and whole.
s3.upload_fileobj(io.BytesIO(content), "web", "image", Config=TransferConfig(multipart_chunksize=6 * MIB))
back = io.BytesIO()
s3.download_fileobj("web", "image", back, Config=TransferConfig(multipart_threshold=5 * MIB))
assert back.getvalue() == content
assert s3.head_object(Bucket="web", Key="image", PartNumber=1)["PartsCount"] == 4

# Every checksum, and chunked bodies whose checksum comes last.
for algorithm in ("CRC32", "SHA1", "SHA256"):
    s3.put_object(Bucket="web", Key="k", Body=b"123456789", ChecksumAlgorithm=algorithm)
    s3.put_object(Bucket="web", Key="k", Body=io.BytesIO(content[: 3 * MIB]), ChecksumAlgorithm=algorithm)
assert s3.get_object(Bucket="web", Key="k", ChecksumMode="ENABLED")["Body"].read() == content[: 3 * MIB]

# Keys of every kind.
keys = sorted(["a b", "a+b", "ü/ö", "x//y", "%41", "q?r=s&t", "#", "'\"<>&", "line\nbreak", ".", "trailing/"])
for key in keys:
    s3.put_object(Bucket="web", Key=f"keys/{key}", Body=key.encode())
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="web", Prefix="keys/", PaginationConfig={"PageSize": 3})
listed = [each["Key"] for page in pages for each in page.get("Contents", [])]
assert listed == sorted((f"keys/{key}" for key in keys), key=str.encode), listed
for key in keys:
    assert s3.get_object(Bucket="web", Key=f"keys/{key}")["Body"].read() == key.encode()

# Addresses that anybody can use for a while.
address = s3.generate_presigned_url("get_object", Params={"Bucket": "web", "Key": "keys/a b"}, ExpiresIn=60)
assert urllib.request.urlopen(address).read() == b"a b"
address = s3.generate_presigned_url("put_object", Params={"Bucket": "web", "Key": "keys/new"}, ExpiresIn=60)
request = urllib.request.Request(address, data=b"new", method="PUT")
assert urllib.request.urlopen(request).status == 200

# Any key is good; the simulation's own must sign rightly.
client("s3", "AKIAOTHER", "anything").put_object(Bucket="web", Key="k", Body=b"other")
refused("SignatureDoesNotMatch", client("s3", KEY, "wrong").put_object, Bucket="web", Key="k", Body=b"x")
refused("NoSuchKey", s3.get_object, Bucket="web", Key="nowhere")
refused("PreconditionFailed", s3.put_object, Bucket="web", Key="k", Body=b"x", IfNoneMatch="*")

everything = [{"Key": each["Key"]} for each in s3.list_objects_v2(Bucket="web")["Contents"]]
assert "Errors" not in s3.delete_objects(Bucket="web", Delete={"Objects": everything})
s3.delete_bucket(Bucket="web")

ebs = client("ebs")
snapshot = ebs.start_snapshot(VolumeSize=1, Tags=[{"Key": "a", "Value": "b"}])["SnapshotId"]
block = content[: 512 * 1024]
digest = hashlib.sha256(block).digest()
ebs.put_snapshot_block(
    SnapshotId=snapshot,
    BlockIndex=3,
    BlockData=block,
    DataLength=len(block),
    Checksum=base64.b64encode(digest).decode(),
    ChecksumAlgorithm="SHA256",
)
done = ebs.complete_snapshot(
    SnapshotId=snapshot,
    ChangedBlocksCount=1,
    Checksum=base64.b64encode(hashlib.sha256(digest).digest()).decode(),
    ChecksumAlgorithm="SHA256",
    ChecksumAggregationMethod="LINEAR",
)
assert done["Status"] == "pending"
ec2 = client("ec2")
ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig={"Delay": 1, "MaxAttempts": 40})
(listed,) = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
read = ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=3, BlockToken=listed["BlockToken"])
assert read["BlockData"].read() == block
ec2.delete_snapshot(SnapshotId=snapshot)
print("ok")
