# Brings a host to one release of a bundle. After every line that begins with `#:` the script may die: the next run repairs
# it, for which `good` says the last release that was healthy.
# $1 folder, $2 name, $3 release, $4 sha256 of what is sent, $5 how many old releases are kept, $6 seconds to wait for the lock,
# $7 who we are.
set -u
umask 022
# The other side may go; what was begun is still brought to an end.
trap '' PIPE
base=$1 name=$2 id=$3 sum=$4 keep=$5 patience=$6 who=$7
unit=/etc/systemd/system/$name.service
at_home=
case $base in '~/'*) at_home=1 base=$HOME/${base#'~/'} ;; esac

say() { printf '%s\n' "$*"; }
# Ends with a step that failed; what failed below it is standard error's last line.
failed() { say "step $1 failed $2"; exit 0; }
# Who looks at a file or a link sees the old one or the new one.
put() { printf '%s\n' "$2" >"$base/$1.new" && mv -f "$base/$1.new" "$base/$1"; }
switch() { rm -f "$base/current.new" && ln -s "releases/$1" "$base/current.new" && mv -fT "$base/current.new" "$base/current"; }
version() { cat "$base/releases/$1/.ec2-stories/version" 2>/dev/null || say "$1"; }
# A release goes from sight at once, and then from the disk.
drop() { mv -T "$base/releases/$1" "$base/releases/.gone-$1" && rm -rf "$base/releases/.gone-$1"; }

# Why it could not be unpacked: what went wrong first, in `said`, is the cause. Of a full disk tar says no more than how much it wrote.
explain() {
  say "$said" | head -n 1
  free=$(df -Pk "$into" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
  [ "${free:-64}" -ge 64 ] || say "No space left on device: $free KiB are free"
}

receive() {
  into=$base/releases/.incoming
  mkdir -p "$into/root" || return
  say send
  #: the other side sends
  LC_ALL=C cat >"$into/stream" || return
  [ "$(sha256sum <"$into/stream" | cut -d ' ' -f 1)" = "$sum" ] || { echo 'what arrived is not what was sent' >&2; return 1; }
  #: it is whole
  said=$({ gzip -dc <"$into/stream" | LC_ALL=C tar -xopf - -C "$into/root"; } 2>&1) || { explain >&2; return 1; }
  rm -f "$into/stream"
  owner=$(cat "$into/root/.ec2-stories/user")
  if [ -n "$owner" ] && [ "$(id -un)" != "$owner" ]; then chown -R "$owner" "$into/root/.ec2-stories" || return; fi
  sync -f "$into" 2>/dev/null || sync
  #: it is unpacked
  mv -T "$into/root" "$base/releases/$id" && rm -rf "$into"
}

# Asks until it is healthy, as long as the release itself says. Sets `why`.
healthy() {
  why=
  within=$(cat "$base/current/.ec2-stories/within" 2>/dev/null || echo 30)
  until=$(($(date +%s) + within))
  # Without a check of its own it must just stay up for a while.
  still=8
  while :; do
    if ! running || restarted; then why="it ended: $(last_words)"; return 1; fi
    if [ -e "$base/current/.ec2-stories/health" ]; then
      if why=$(timeout 10 /bin/sh "$base/current/.ec2-stories/health" 2>&1 </dev/null 8>&-); then return 0; fi
      if [ "$(date +%s)" -ge "$until" ]; then why="not healthy within $within s: $(say "$why" | tail -n 1 | cut -c 1-200)"; return 1; fi
    else
      still=$((still - 1))
      [ "$still" -gt 0 ] || return 0
    fi
    sleep 0.25
  done
}

# Goes back to the last release that was healthy. Sets `back`, what became of it.
roll_back() {
  stop_service
  #: it is stopped
  if [ -z "$good" ] || [ "$good" = "$id" ] || [ ! -d "$base/releases/$good" ]; then
    rm -f "$base/current"
    back='there is no version to go back to'
    return
  fi
  switch "$good"
  #: it is switched back
  first=$why
  if start_service && healthy; then back="version $(version "$good") runs again"; else
    back="version $(version "$good"), to which it went back, is not healthy either: $why"
  fi
  why=$first
}

lock
mkdir -p "$base/releases" "$base/run" "$base/log" || exit 70
#: the lock is taken
rm -rf "$base/releases"/.incoming "$base/releases"/.gone-* "$base"/.gone-*
if ! ours; then failed copy "the host has a service $name.service of its own: give the bundle another name"; fi

if [ -d "$base/releases/$id" ]; then
  say 'step copy unchanged'
else
  receive || { rm -rf "$base/releases/.incoming"; failed copy ''; }
  say 'step copy changed'
fi
#: it is there
if [ ! -e "$base/releases/$id/.ec2-stories/start" ] && ! by_systemd; then
  failed start 'the bundle is a systemd unit, and the host has no systemd: give it `start` instead of `unit`'
fi

current=$(readlink "$base/current" 2>/dev/null)
good=$(cat "$base/good" 2>/dev/null)
why=
if [ "$current" = "releases/$id" ] && [ "$good" = "$id" ] && running && { [ ! -e "$base/current/.ec2-stories/health" ] ||
  timeout 10 /bin/sh "$base/current/.ec2-stories/health" </dev/null >/dev/null 2>&1 8>&-; }; then
  say 'step start unchanged'
  say 'step check unchanged'
  exit 0
fi

switch "$id" || failed start ''
#: it is switched
if ! start_service; then
  why="it ended at once: $(last_words)"
  roll_back
  failed start "$why; $back"
fi
#: it is started
say 'step start changed'
if ! healthy; then
  roll_back
  failed check "$why; $back"
fi
#: it is healthy
put good "$id" || failed check ''
#: it is known to be good
touch "$base/releases/$id"
kept=0
for old in $(ls -1t "$base/releases"); do
  [ "$old" != "$id" ] || continue
  kept=$((kept + 1))
  [ "$kept" -le "$keep" ] || drop "$old"
done
#: the old ones are gone
say 'step check changed'
