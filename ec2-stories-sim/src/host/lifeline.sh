# Becomes the program in "$@". The simulation holds the other end of standard input: when that goes, however it goes, so does the
# program, and its child, which is a host's first process. Who watches is outside of the host: its root cannot end that.
exec 3<&0 </dev/null
(
  cat <&3
  # `/proc/self` of a builtin is this process. A program that has ended has left its number to others, and us to init.
  read -r self _ _ parent _ </proc/self/stat
  [ "$parent" = "$$" ] || exit 0
  for child in $(cat "/proc/$$/task/$$/children"); do
    [ "$child" = "$self" ] || kill -KILL "$child"
  done
  kill -KILL "$$"
) >/dev/null 2>&1 &
exec "$@" <&3 3<&-
