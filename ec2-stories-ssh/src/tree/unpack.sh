# Unpacks standard input, which has folder `new` and then an empty one, `whole`, into folder $1. All of it first comes into folder $2
# in there, which is made here and goes with whatever ends this; then each file takes its place by a rename. So a disk that is full,
# or a link that breaks, leaves what was there as it was.
set -e
export LC_ALL=C
made=
[ -d "$1" ] || { mkdir -p -- "$1"; made=1; }
CDPATH= cd -- "$1"
stage=./$2
ended=

# Folders that may not be written to cannot be emptied either.
remove() { rm -rf -- "$1" 2>/dev/null || { chmod -R u+rwx -- "$1" || :; rm -rf -- "$1"; } }
leave() { remove "$stage"; [ -z "$made" ] || rmdir -- "$(pwd -P)" || :; }
open_up() { { [ -r "$1" ] && [ -w "$1" ] && [ -x "$1" ]; } || chmod u+rwx -- "$1"; }
is_folder() { [ -d "$1" ] && [ ! -L "$1" ]; }

# Moves what is in folder $1 into folder $2, which is there. Folders that are in both become one.
merge() (
  from=$1 to=$2
  set -- $(stat -c '%d %a %Y' -- "$from" "$to")
  mode=$2 time=$3 other_mode=$5
  if [ "$1" != "$4" ]; then
    # Another disk is mounted here, and renames do not reach it.
    near=$to/${stage#./}
    trap 'remove "$near"' EXIT
    trap 'exit 143' HUP INT TERM
    mkdir -m 700 -- "$near"
    cp -a -- "$from" "$near/new"
    merge "$near/new" "$to"
    # Its removal changes the time again, and may not be possible any more where the mode is the new one.
    open_up "$to"
    remove "$near"
    trap - EXIT
    chmod -- "$mode" "$to"
    touch -d "@$time" -- "$to"
    exit
  fi
  open_up "$from"
  [ -r "$to" ] && [ -w "$to" ] && [ -x "$to" ] || { chmod u+rwx -- "$to"; other_mode=; }
  for entry in "$from"/* "$from"/.[!.]* "$from"/..?*; do
    if is_folder "$entry" && is_folder "$to/${entry##*/}"; then merge "$entry" "$to/${entry##*/}"; fi
  done
  set --
  for entry in "$from"/* "$from"/.[!.]* "$from"/..?*; do
    [ -e "$entry" ] || [ -L "$entry" ] || continue
    if is_folder "$entry"; then
      there=$to/${entry##*/}
      ! is_folder "$there" || continue
      rm -f -- "$there"
      if [ ! -w "$entry" ]; then
        # The kernel writes to a folder that goes elsewhere.
        own=$(stat -c %a -- "$entry")
        chmod u+w -- "$entry"
        mv -f -- "$entry" "$to/"
        chmod -- "$own" "$there"
        continue
      fi
    fi
    set -- "$@" "$entry"
    # A command takes no more than so many words.
    [ $# -lt 200 ] || { mv -f -- "$@" "$to/"; set --; }
  done
  [ $# -eq 0 ] || mv -f -- "$@" "$to/"
  [ "$mode" = "$other_mode" ] || chmod -- "$mode" "$to"
  touch -d "@$time" -- "$to"
)

trap 'ended=1' HUP INT TERM
mkdir -m 700 -- "$stage"
trap leave EXIT
trap 'exit 143' HUP INT TERM
[ -z "$ended" ] || exit 143
if ! tar -xopf - -C "$stage"; then
  # What stops in the midst of a file is only said to be short.
  free=$(df -Pk . | while read -r _ _ _ free _; do echo "$free"; done | tail -n 1)
  [ "$free" -ge 16 ] || echo 'No space left on device' >&2
  exit 2
fi
# To tar the end of a link is as good as the archive's own.
[ -d "$stage/whole" ] || { echo 'it broke off' >&2; exit 2; }
# Before anything moves. `mv` would find it out midway.
find "$stage/new" ! -type d -exec sh -c '
  for entry; do
    there=.${entry#"$0"}
    [ ! -d "$there" ] || [ -L "$there" ] || { echo "$there is a folder, and a file or link would take its place" >&2; exit 1; }
  done' "$stage/new" {} +
mode=$(stat -c %a -- "$stage/new")
merge "$stage/new" .
open_up .
remove "$stage"
made=
trap - EXIT
chmod -- "$mode" .
