# Removes a bundle from a host with all that it has there. $1 folder, $2 name, $3 seconds to wait for the lock, $4 who we are.
set -u
trap '' PIPE
base=$1 name=$2 patience=$3 who=$4
unit=/etc/systemd/system/$name.service
at_home=
case $base in '~/'*) at_home=1 base=$HOME/${base#'~/'} ;; esac
if [ ! -e "$base" ]; then echo unchanged; exit 0; fi
lock
#: the lock is taken
if ! stop_service; then echo 'failed it does not end'; exit 0; fi
#: it is stopped
if by_systemd && [ -e "$unit" ] && ours; then
  systemctl --quiet disable "$name.service" && rm -f "$unit" && systemctl daemon-reload || { echo 'failed'; exit 0; }
fi
#: its unit is gone
# A release that is half gone must not be taken for one that is there.
[ ! -d "$base/releases" ] || mv -T "$base/releases" "$base/.gone-$$"
rm -f "$base/good" "$base/current"
#: it is out of sight
rm -rf "$base" || { echo 'failed'; exit 0; }
#: it is gone
echo changed
