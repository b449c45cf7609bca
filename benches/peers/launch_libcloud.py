"""Launches N nodes with Apache Libcloud and waits with its own wait_until_running. Prints when all were known to run."""

import sys
import time
from urllib.parse import urlparse

from libcloud.compute.base import NodeImage, NodeSize
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider

endpoint, region, image, nodes = urlparse(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
driver = get_driver(Provider.EC2)(
    "AKIABENCHMARK0000000",
    "benchmark",
    region=region,
    host=endpoint.hostname,
    port=endpoint.port,
    secure=False,
)
made = driver.create_node(
    name="bench",
    image=NodeImage(id=image, name=None, driver=driver),
    size=NodeSize("t3.micro", "t3.micro", None, None, None, None, driver=driver),
    ex_mincount=nodes,
    ex_maxcount=nodes,
    ex_metadata={"fleet": "bench"},
)
made = made if isinstance(made, list) else [made]
driver.wait_until_running(made, wait_period=3, timeout=600, ssh_interface="private_ips")
print(time.time())
