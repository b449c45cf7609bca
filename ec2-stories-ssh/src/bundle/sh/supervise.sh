# Keeps a bundle running where there is no systemd: starts it anew when it ends, after a pause that grows.
# $1 the folder of its state, $2 the release.
set -u
run=$1 release=$2
exec 9>"$run/lock"
# Those who look whether somebody holds it do so for a moment themselves.
tries=0
until flock -n 9; do
  tries=$((tries + 1))
  [ "$tries" -lt 50 ] || exit 0
  sleep 0.1
done
put() { printf '%s\n' "$2" >"$run/$1.new" && mv -f "$run/$1.new" "$run/$1"; }
rm -f "$run/child" "$run/restarted"
put pid "$$"

# Ends the group that $1 leads: its own way first, then SIGTERM, then SIGKILL.
end() {
  trap '' TERM INT HUP
  [ ! -e "$release/.ec2-stories/stop" ] || timeout "$STOP_SECONDS" /bin/sh "$release/.ec2-stories/stop" </dev/null 9>&-
  kill -TERM -- "-$1" 2>/dev/null || kill -TERM "$1" 2>/dev/null
  setsid /bin/sh -c 'sleep "$1"; kill -KILL -- "-$2"' sh "$STOP_SECONDS" "$1" 9>&- 2>/dev/null &
  dog=$!
  wait "$1"
  kill -KILL -- "-$1" 2>/dev/null
  kill -KILL -- "-$dog" 2>/dev/null || kill -KILL "$dog" 2>/dev/null
  rm -f "$run/pid" "$run/child"
  exit 0
}

STOP_SECONDS=$(cat "$release/.ec2-stories/stop_seconds")
# $! and no variable: between a start and an assignment there is room for a signal.
trap 'if [ -n "${!:-}" ]; then end "$!"; else exit 0; fi' TERM INT HUP
pause=1
while :; do
  began=$(date +%s)
  setsid /bin/sh "$release/.ec2-stories/start" </dev/null 9>&- &
  child=$!
  put child "$child"
  wait "$child"
  status=$?
  rm -f "$run/child"
  put restarted "$status"
  printf 'ended with status %s; it is started again in %s s\n' "$status" "$pause"
  setsid sleep "$pause" 9>&- &
  wait "$!"
  if [ "$(($(date +%s) - began))" -gt 60 ]; then pause=1; elif [ "$pause" -lt 30 ]; then pause=$((pause * 2)); fi
done
