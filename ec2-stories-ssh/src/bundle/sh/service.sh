# Starting and stopping, by systemd where it is there and this is root, else by the supervisor. Set: base,
# name, unit (systemd's file), at_home (not empty where it is in a user's home).
made='# Made by EC2 Stories'

by_systemd() { [ -z "$at_home" ] && [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ]; }

# Whether the service's name is free, or ours.
ours() {
  by_systemd || return 0
  if [ -e "$unit" ]; then [ "$(head -n 1 "$unit")" = "$made" ]; return; fi
  [ ! -e "/usr/lib/systemd/system/$name.service" ] && [ ! -e "/lib/systemd/system/$name.service" ]
}

running() {
  if by_systemd; then systemctl --quiet is-active "$name.service"; return; fi
  supervised && child=$(cat "$base/run/child" 2>/dev/null) && kill -0 "$child" 2>/dev/null
}

# The supervisor holds this lock as long as it lives.
supervised() { [ -e "$base/run/lock" ] && ! flock -n "$base/run/lock" true; }

# A number in a file may be another process's by now.
is_supervisor() { tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null | grep -qxF "$base/run"; }
is_child() { tr '\0' '\n' <"/proc/$1/environ" 2>/dev/null | grep -qxF "EC2_STORIES_BUNDLE=$base"; }

stop_service() {
  if by_systemd; then
    [ ! -e "$unit" ] || systemctl stop "$name.service"
    return
  fi
  tries=0
  while supervised; do
    pid=$(cat "$base/run/pid" 2>/dev/null)
    if [ -n "$pid" ] && is_supervisor "$pid"; then
      if [ "$tries" = 0 ]; then kill -TERM "$pid"; fi
      if [ "$tries" -ge 400 ]; then kill -KILL "$pid"; fi
    fi
    tries=$((tries + 1))
    [ "$tries" -lt 450 ] || return 1
    sleep 0.1
  done
  # What a supervisor that was killed left behind.
  child=$(cat "$base/run/child" 2>/dev/null)
  if [ -n "$child" ] && is_child "$child"; then kill -KILL -- "-$child" 2>/dev/null || kill -KILL "$child"; fi
  rm -f "$base/run/pid" "$base/run/child" "$base/run/restarted"
}

start_service() {
  if by_systemd; then
    began=$(date +%s)
    release=$(cd -P "$base/current" && pwd -P) || return
    { printf '%s\n' "$made"; sed "s|@RELEASE@|$release|g" "$release/.ec2-stories/unit"; } >"$unit.new" && mv -f "$unit.new" "$unit" &&
      systemctl daemon-reload && systemctl --quiet enable "$name.service" && systemctl restart "$name.service" || return
  else
    stop_service || return
    release=$(cd -P "$base/current" && pwd -P) || return
    # What it says from here on is its own, and not an older version's.
    [ ! -e "$base/log/output.log" ] || mv -f "$base/log/output.log" "$base/log/output.log.1" || return
    # The lock is not for those who outlive this script.
    (trap - PIPE; exec setsid /bin/sh "$release/.ec2-stories/supervise" "$base/run" "$release" </dev/null >>"$base/log/output.log" 2>&1 8>&-) &
    tries=0
    while ! running; do
      tries=$((tries + 1))
      if restarted || [ "$tries" -gt 100 ]; then return 1; fi
      sleep 0.1
    done
  fi
  # What cannot be started at all ends at once.
  sleep 0.3
  running && ! restarted
}

restarted() {
  if by_systemd; then
    [ "$(systemctl show -p NRestarts --value "$name.service")" != 0 ]
  else
    [ -e "$base/run/restarted" ]
  fi
}

# Its last words, in one line.
last_words() {
  if by_systemd; then
    # What was said last may be on its way to the journal.
    journalctl --sync 2>/dev/null
    # Its own, without what systemd says of it, and without an older version's.
    journalctl --quiet --no-pager -o cat -n 3 --since "@$began" "_SYSTEMD_UNIT=$name.service" 2>/dev/null
  else
    tail -n 3 "$base/log/output.log" 2>/dev/null
  fi | tr -cd '\11\12\40-\176' | tr '\n\t' '  ' | cut -c 1-300
}
