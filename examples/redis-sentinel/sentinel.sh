#!/bin/sh
# Starts a sentinel that watches a primary, once two replicas follow that: it would look for new ones
# only every ten seconds. A sentinel must be able to write its configuration.
#
#   sentinel.sh PRIMARY_HOST PRIMARY_PORT [OWN_HOST OWN_PORT]    (as everybody finds them)
set -eu
file="$CHAOS_DIR/sentinel.conf"
[ -e "$file" ] || cat >"$file" <<END
bind $CHAOS_HOST
port $CHAOS_PORT_MAIN
dir $CHAOS_DIR
protected-mode no
sentinel resolve-hostnames yes
sentinel monitor example $1 $2 2
sentinel down-after-milliseconds example 1000
sentinel failover-timeout example 10000
${3:+sentinel announce-ip $3}
${4:+sentinel announce-port $4}
END
until [ "$(redis-cli -h "$1" -p "$2" info replication | grep -c '^slave.*state=online')" = 2 ] ||
    grep -q known-replica "$file"; do sleep 0.1; done
exec redis-sentinel "$file"
