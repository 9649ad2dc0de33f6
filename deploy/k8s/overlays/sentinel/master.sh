# Prints the name of the master: what a Sentinel says, or redis-0, if none answers because all of them are starting.
for pod in redis-0 redis-1 redis-2; do
  master=$(timeout 2 redis-cli -h "$pod.redis" -p 26379 sentinel get-master-addr-by-name wmbp 2>/dev/null | head -n 1)
  case $master in
    redis-?.redis) echo "$master"; exit ;;
  esac
done
echo redis-0.redis
