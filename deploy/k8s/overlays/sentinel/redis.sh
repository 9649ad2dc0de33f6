# The Redis of one pod: the master, if it is the one that Sentinel names, or else its replica. Pods keep their names and
# lose their addresses, so everybody knows everybody by name.
set -eu
me=$HOSTNAME.redis
master=$(sh /scripts/master.sh)
{
  echo "dir /data"
  # A copy of what the gateways know: nothing has to outlive a restart.
  echo 'save ""'
  echo 'appendonly no'
  echo 'maxmemory 256mb'
  echo "requirepass $REDIS_PASSWORD"
  # Any of them may become a replica.
  echo "masterauth $REDIS_PASSWORD"
  # Gateways are the user wmbp, with the rules of deploy/redis/users.acl; in each pod, since users are not replicated.
  echo "user wmbp on >$GATEWAY_PASSWORD ~wmbp:* &wmbp:* -@all +ping +info +client|setname \
    +get +set +del +exists +pexpire +hget +hmget +hgetall +hvals +hlen +hset +hsetnx +hdel +hincrby +time \
    +eval +evalsha +publish +subscribe +unsubscribe"
  echo "replica-announce-ip $me"
  # At once: a replica that never had a copy is never made master.
  echo 'repl-diskless-sync-delay 0'
  [ "$master" = "$me" ] || echo "replicaof $master 6379"
} >/data/redis.conf
echo "$me: the master is $master"
exec redis-server /data/redis.conf
