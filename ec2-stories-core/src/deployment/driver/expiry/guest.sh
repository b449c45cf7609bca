#cloud-boothook
#!/bin/sh
# Powers this machine off, which terminates it, once nobody renews its tag ec2-stories:expires any more.
# To keep it alive by hand, give that tag a later time, such as 2031-01-01T00:00:00Z.
dir=/run/ec2-stories-expiry
mkdir -p "$dir" || exit 0
cat >"$dir/watch" <<'END'
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
cd /run/ec2-stories-expiry || exit 1
url=http://169.254.169.254/latest
tag=$url/meta-data/tags/instance/ec2-stories:expires
ttl='X-aws-ec2-metadata-token-ttl-seconds: 60'
key='X-aws-ec2-metadata-token:'
ask() {
  if command -v curl >/dev/null; then
    token=$(curl -sf -m 5 -X PUT -H "$ttl" $url/api/token) && curl -sf -m 5 -H "$key $token" $tag
  elif command -v python3 >/dev/null; then
    python3 -c 'import sys, urllib.request as r
def ask(url, header, **more):
    name, value = header.split(":", 1)
    return r.urlopen(r.Request(url, headers={name: value.strip()}, **more), timeout=5).read().decode()
url, tag, ttl, key = sys.argv[1:]
print(ask(tag, key + ask(url + "/api/token", ttl, method="PUT")))' $url $tag "$ttl" "$key"
  elif command -v wget >/dev/null; then
    token=$(wget -qO- -T 5 -t 1 --method=PUT --header="$ttl" $url/api/token) &&
      wget -qO- -T 5 -t 1 --header="$key $token" $tag
  fi
}
seconds() {
  read -r up rest </proc/uptime
  echo "${up%%.*}"
}
known= since=0
[ -s seen ] && read -r known since <seen
while :; do
  # As digits: later is more.
  now=$(ask 2>/dev/null | tr -cd 0-9 | cut -c1-14)
  if [ ${#now} -eq 14 ] && [ "$now" != "$known" ]; then
    known=$now since=$(seconds)
    echo "$known $since" >seen
  fi
  # A wrong clock alone ends nothing: the tag must have stood still for a while, too.
  if [ -n "$known" ] && [ "$(date -u +%Y%m%d%H%M%S)" -gt "$known" ] && [ $(($(seconds) - since)) -ge @STILL@ ]; then
    echo "ec2-stories: nobody renewed this machine: power off" >/dev/console
    poweroff || shutdown -h now || halt -p
  fi
  sleep @PERIOD@
done
END
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
  systemd-run -q --no-block --unit=ec2-stories-expiry -p Restart=always -p RestartSec=30 /bin/sh "$dir/watch"
elif ! kill -0 "$(cat "$dir/pid" 2>/dev/null)" 2>/dev/null; then
  $(command -v setsid) sh "$dir/watch" </dev/null >/dev/null 2>&1 &
  echo $! >"$dir/pid"
fi
exit 0
