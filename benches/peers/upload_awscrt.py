"""Uploads a file with the AWS Common Runtime, its checksum over the whole object included."""

import sys

from awscrt.auth import AwsCredentialsProvider
from awscrt.http import HttpHeaders, HttpRequest
from awscrt.io import (
    ClientBootstrap,
    ClientTlsContext,
    DefaultHostResolver,
    EventLoopGroup,
    TlsContextOptions,
)
from awscrt.s3 import (
    S3ChecksumAlgorithm,
    S3ChecksumConfig,
    S3ChecksumLocation,
    S3Client,
    S3RequestTlsMode,
    S3RequestType,
    create_default_s3_signing_config,
)

# What was loaded until now is Python's, not the client's.
print("ready", flush=True)
scheme, address, path, size, certificate = sys.argv[1:6]
group = EventLoopGroup()
bootstrap = ClientBootstrap(group, DefaultHostResolver(group))
credentials = AwsCredentialsProvider.new_static("AKIABENCHMARK0000000", "benchmark")
region = "us-east-1"
tls = None
if scheme == "https":
    options = TlsContextOptions()
    options.override_default_trust_store_from_path(None, certificate)
    tls = ClientTlsContext(options).new_connection_options()
client = S3Client(
    bootstrap=bootstrap,
    region=region,
    tls_mode=S3RequestTlsMode.ENABLED if tls else S3RequestTlsMode.DISABLED,
    tls_connection_options=tls,
    signing_config=create_default_s3_signing_config(region=region, credential_provider=credentials),
)
headers = HttpHeaders([("Host", address), ("Content-Length", size)])
request = client.make_request(
    type=S3RequestType.PUT_OBJECT,
    request=HttpRequest("PUT", "/bench/key", headers),
    send_filepath=path,
    checksum_config=S3ChecksumConfig(
        algorithm=S3ChecksumAlgorithm.CRC64NVME, location=S3ChecksumLocation.TRAILER
    ),
)
request.finished_future.result()
