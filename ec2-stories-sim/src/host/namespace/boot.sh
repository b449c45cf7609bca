# The first process of a host, in new mount, PID, UTS and IPC namespaces and in its own network. The working folder is the instance's. Set: NAME, ADDRESS, ROOT (the root file system to start from).
set -eu

# The simulation holds the other end of standard input: when it goes, however it goes, this host goes.
exec 3<&0 </dev/null
(cat <&3 >/dev/null; while :; do kill -TERM 1; kill -KILL -1; sleep 0.1; done) &
exec 3<&-

mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=upper,workdir=work" root
folder=$PWD
cd root
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t overlay overlay -o "lowerdir=$folder/identity:sys" sys || echo 'no identity of EC2 in /sys'
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
  : >"dev/$node"
  mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=1777 tmpfs tmp
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mkfifo dev/console
mount --bind "$folder/run" run
pivot_root . mnt
cd /
umount -l /mnt

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
hostname "$NAME"
printf '127.0.0.1 localhost\n%s %s\n' "$ADDRESS" "$NAME" >/etc/hosts
echo "$NAME" >/etc/hostname
mkdir -p /run/sshd /run/lock
(while :; do cat /dev/console; done) &
echo "Linux version $(uname -r), host $NAME"
[ -s /etc/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id

# What the distribution's init runs, in its order.
cloud-init init --local || echo 'cloud-init init --local failed'
cloud-init init || echo 'cloud-init init failed'
/usr/sbin/sshd -D -e &
server=$!
(
  cloud-init modules --mode=config
  cloud-init modules --mode=final
) &

# Without sshd there is no host, but a restart of it is fine. This shell stays the first process: cloud-init reads that one's
# environment, and sshd writes its title over its own.
trap 'exit 0' TERM
wait "$server" || true
while sleep 1 && kill -0 "$(cat /run/sshd.pid)" 2>/dev/null; do :; done
echo 'sshd has ended'
exit 1
