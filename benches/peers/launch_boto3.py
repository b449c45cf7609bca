"""Launches N nodes with boto3 and waits with its own waiter. Prints the time at which all were known to run."""

import sys
import time

import boto3

endpoint, region, image, nodes = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
ec2 = boto3.client(
    "ec2",
    endpoint_url=endpoint,
    region_name=region,
    aws_access_key_id="AKIABENCHMARK0000000",
    aws_secret_access_key="benchmark",
)
launched = ec2.run_instances(
    ImageId=image,
    InstanceType="t3.micro",
    MinCount=nodes,
    MaxCount=nodes,
    TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "fleet", "Value": "bench"}]}],
)
ids = [instance["InstanceId"] for instance in launched["Instances"]]
ec2.get_waiter("instance_running").wait(InstanceIds=ids)
print(time.time())
