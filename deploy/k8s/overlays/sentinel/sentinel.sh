# The Sentinel of one pod. It remembers nothing from before: it asks the others for the master, and hears of the rest
# from there. The others know it by its name, so that one that comes back is not one more.
set -eu
me=$HOSTNAME.redis
# A Sentinel does not start with a name that cannot be resolved: wait for the pod, or for another master.
until master=$(sh /scripts/master.sh) && getent hosts "$master" >/dev/null; do sleep 1; done
cat >/data/sentinel.conf <<EOF
dir /data
port 26379
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $me
sentinel monitor wmbp $master 6379 2
sentinel auth-pass wmbp $REDIS_PASSWORD
sentinel down-after-milliseconds wmbp 5000
sentinel failover-timeout wmbp 15000
sentinel parallel-syncs wmbp 2
EOF
echo "$me: watches $master"
exec redis-sentinel /data/sentinel.conf
