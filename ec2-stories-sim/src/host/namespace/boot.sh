# The first process of a host, in new mount, PID, UTS, IPC and control group namespaces and in its own network. The working folder is the
# instance's, standard output its console, a terminal. Set: NAME, ADDRESS, ROOT (the root file system to start from).
set -eu
folder=$PWD
console=$(readlink /proc/self/fd/2)
mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=upper,workdir=work" root
cd root
mount -t proc proc proc
# What of it is the whole machine's is not to be changed by mistake. Root in here could, if it wanted to.
for place in sys irq bus fs; do
  [ ! -e "proc/$place" ] || { mount --bind "proc/$place" "proc/$place" && mount -o remount,bind,ro "proc/$place"; }
done
[ ! -e proc/sysrq-trigger ] || mount --bind /dev/null proc/sysrq-trigger
# Who asks whether it has rebooted asks for this.
cat proc/sys/kernel/random/uuid >../boot_id
mount --bind ../boot_id proc/sys/kernel/random/boot_id
mount -t sysfs -o ro sysfs sys
mount -t overlay overlay -o "lowerdir=$folder/identity:sys" sys || echo 'no identity of EC2 in /sys'
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
: >dev/console
mount --bind "$console" dev/console
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
printf '127.0.0.1 localhost\n%s %s\n' "$ADDRESS" "$NAME" >etc/hosts
echo "$NAME" >etc/hostname
pivot_root . mnt
cd /
umount -l /mnt

echo "Linux version $(uname -r), host $NAME"
# It keeps the right to mount, and to reboot, which ends its namespaces.
exec setpriv --bounding-set=-dac_read_search,-mknod,-sys_module,-sys_rawio,-sys_time,-syslog,-mac_admin,-mac_override,-audit_control,-audit_read,-bpf,-perfmon \
  env -i container=lxc TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
  /lib/systemd/systemd --log-target=journal --show-status=yes
