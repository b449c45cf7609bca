#!/bin/sh
# poweroff, halt, reboot and shutdown: the wish is left where the simulation looks, then the host ends.
wish=poweroff
case "${0##*/} $*" in
  reboot* | *' -r'* | *' --reboot'*) wish=reboot ;;
  *' -c'*) exit 0 ;;
esac
echo "$wish" >/run/ec2-stories/wish && kill -TERM 1
