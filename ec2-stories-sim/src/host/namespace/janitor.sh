# Removes the network namespaces whose names begin with $1 when standard input ends: the simulation has gone, and may have been killed.
cat >/dev/null
for place in /run/netns/"$1"*; do
  [ ! -e "$place" ] || ip netns delete "${place##*/}"
done
