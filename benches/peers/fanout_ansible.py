"""Ansible: run a command on all hosts, or copy a folder to all. Arguments: folder, port, hosts, job, source."""
import os
import subprocess
import sys

folder, port, hosts, job, source = sys.argv[1:6]
with open(f"{folder}/inventory", "w") as inventory:
    for host in hosts.split(","):
        inventory.write(
            f"{host} ansible_port={port} ansible_user=root ansible_ssh_private_key_file={folder}/client "
            f"ansible_python_interpreter={sys.executable}\n")
# An archive, sent and unpacked, is its fastest way for a folder: file by file it takes a connection a file.
run = ["-m", "raw", "-a", "echo $((40 + 2))"]
copy = ["-m", "unarchive", "-a", f"src={folder}/tree.tar dest={folder}/copies/{{{{ inventory_hostname }}}}"]
# Its own SSH arguments but for -C: between addresses of one machine compressing only costs.
environment = dict(
    os.environ, ANSIBLE_HOST_KEY_CHECKING="True", ANSIBLE_PIPELINING="True", ANSIBLE_HOME=f"{folder}/ansible",
    ANSIBLE_SSH_ARGS=f"-o ControlMaster=auto -o ControlPersist=5s -o UserKnownHostsFile={folder}/known_hosts",
    ANSIBLE_NOCOLOR="True")
ansible = os.path.join(os.path.dirname(sys.executable), "ansible")
for host in hosts.split(","):
    if job == "copy":
        os.makedirs(f"{folder}/copies/{host}", exist_ok=True)
done = subprocess.run(
    [ansible, "all", "-i", f"{folder}/inventory", "-f", "32", *(run if job == "run" else copy)],
    env=environment, stdout=subprocess.PIPE, text=True)
lines = done.stdout.splitlines()
print(sum(line == "42" if job == "run" else "| CHANGED" in line for line in lines))
