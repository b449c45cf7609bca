# The first process of a host, in new mount, PID and UTS namespaces; at the end it is the host's sshd.
# The working folder is the instance's. Set: NAME, LOWER (the /etc to start from), SSHD, FIRST (1 on the first boot),
# and MAPPED (1 inside of a user namespace).
set -eu

# The simulation holds the other end of standard input: when it goes, however it goes, this host goes.
exec 3<&0 </dev/null
(cat <&3 >/dev/null; while :; do kill -TERM 1; kill -KILL -1; sleep 0.1; done) &
exec 3<&-

say() { printf '[%s] %s\n' "$(cut -d' ' -f1 /proc/uptime)" "$*"; }
bind() { [ ! -d "$2" ] || mount --no-canonicalize --bind "$1" "$2"; }

say "Linux version $(uname -r), host $NAME"
mount -t proc proc /proc 2>/dev/null || say 'no /proc of its own: processes of the machine show'
if mount -t devpts devpts /dev/pts -o newinstance,ptmxmode=0666,mode=0620 2>/dev/null; then
  mount --bind /dev/pts/ptmx /dev/ptmx
fi
for shared in /usr /var; do
  mount --bind "$shared" "$shared"
  mount -o remount,bind,ro "$shared" 2>/dev/null || true # Locked flags: it cannot be written to anyway.
done
if mount --no-canonicalize -t overlay overlay -o "lowerdir=$LOWER,upperdir=etc,workdir=work" /etc 2>/dev/null; then
  chmod 700 work/work
else
  cp -a -n "$LOWER/." etc/ 2>/dev/null || true
  bind etc /etc
fi
bind ssh /etc/ssh # A folder of its own: this machine's host keys must not shine through.
for own in home root opt srv run; do bind "$own" "/$own"; done
hostname "$NAME"
export PATH=/run/ec2-stories/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
. /run/ec2-stories/environment

say "Cloud-init running 'init', host $NAME"
if [ -e stage/bootcmd ]; then stage/bootcmd || say '[WARNING]: bootcmd failed'; fi
if [ "$FIRST" = 1 ]; then sh stage/early.sh; fi
echo '-----BEGIN SSH HOST KEY FINGERPRINTS-----'
for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -l -f "$key"; done
echo '-----END SSH HOST KEY FINGERPRINTS-----'
echo '-----BEGIN SSH HOST KEY KEYS-----'
cat /etc/ssh/ssh_host_*_key.pub
echo '-----END SSH HOST KEY KEYS-----'

echo running >/run/cloud-init/status
(
  status=done
  if [ "$FIRST" = 1 ]; then sh stage/late.sh || status=error; fi
  echo "$status" >/run/cloud-init/status.new
  mv /run/cloud-init/status.new /run/cloud-init/status
  say "Cloud-init finished with status $status. Datasource DataSourceEc2Local."
) &

if [ "$MAPPED" = 1 ]; then
  exec unshare --user --map-user=1000 --map-group=1000 "$SSHD" -D -e
fi
exec "$SSHD" -D -e
