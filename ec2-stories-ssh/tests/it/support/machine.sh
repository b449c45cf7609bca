# Boots systemd in new mount, PID, UTS, IPC and cgroup namespaces, on this machine's own files; what is written goes to memory.
# $1: the server's folder, the one place that is shared. Of the distribution's own services only the journal runs.
set -eu
here=$1
mount -t tmpfs -o mode=755 tmpfs "$here/machine"
cd "$here/machine"
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
cd root
rm -rf etc/systemd/system usr/lib/systemd/system/*.wants usr/lib/systemd/system-generators
mkdir -p etc/systemd/system/sysinit.target.wants
ln -s /usr/lib/systemd/system/systemd-journald.service etc/systemd/system/sysinit.target.wants/
ln -s /dev/null etc/systemd/system/tmp.mount
: >etc/fstab
printf '[Service]\nExecStart=%s -D -f %s/sshd_config -E %s/log\n' "$SSHD" "$here" "$here" >etc/systemd/system/test-sshd.service
printf '[Unit]\nRequires=basic.target test-sshd.service\nAfter=basic.target\n' >etc/systemd/system/test.target
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
  : >"dev/$node"
  mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
mkdir -p run/sshd run/lock ".$here"
mount --bind "$here" ".$here"
pivot_root . mnt
cd /
umount -l /mnt
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --log-target=journal --show-status=no --unit=test.target
