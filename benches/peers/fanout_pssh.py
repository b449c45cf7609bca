"""parallel-ssh: run a command on all hosts, or copy a folder to all. Arguments: folder, port, hosts, job, source."""
import sys

from gevent import joinall
from pssh.clients import ParallelSSHClient

folder, port, hosts, job, source = sys.argv[1:6]
client = ParallelSSHClient(
    hosts.split(","), user="root", pkey=f"{folder}/client", port=int(port), pool_size=32, num_retries=1)
if job == "run":
    outputs = client.run_command("echo $((40 + 2))")
    client.join(outputs)
    good = sum(list(output.stdout) == ["42"] for output in outputs)
else:
    # Its own way for a folder: SFTP, file by file, into each host's own place.
    places = [{"local_file": source, "remote_file": f"{folder}/copies/{host}"} for host in hosts.split(",")]
    joinall(client.copy_file("%(local_file)s", "%(remote_file)s", recurse=True, copy_args=places), raise_error=True)
    good = len(places)
print(good)
