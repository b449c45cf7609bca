# Removes the network namespaces, and the control groups in the folder $2, whose names begin with $1 when standard input ends: the
# simulation has gone, and may have been killed.
cat >/dev/null
for place in /run/netns/"$1"*; do
  [ ! -e "$place" ] || ip netns delete "${place##*/}"
done
for group in "$2/$1"*; do
  echo 1 >"$group/cgroup.kill"
  tries=100
  # What was killed takes a moment to be gone.
  while [ -e "$group" ] && [ "$tries" -gt 0 ] && ! find "$group" -depth -type d -exec rmdir {} +; do
    tries=$((tries - 1))
    sleep 0.1
  done
done
