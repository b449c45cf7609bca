# The lock of one bundle on one host. Set: base, who (what others are told), patience (seconds).
# The lock's file goes when the bundle is removed: a lock on a file that is not there any more is none.
lock() {
  waited=0
  while :; do
    mkdir -p "$base" || exit 70
    if command exec 8>>"$base/lock"; then
      if flock -n 8 && [ "$base/lock" -ef "/proc/$$/fd/8" ]; then
        printf '%s\n' "$who" >"$base/lock"
        return
      fi
      exec 8>&-
    fi
    if [ "$waited" -ge "$((patience * 5))" ]; then
      printf 'busy %s\n' "$(head -n 1 "$base/lock" 2>/dev/null)"
      exit 0
    fi
    waited=$((waited + 1))
    sleep 0.2
  done
}
