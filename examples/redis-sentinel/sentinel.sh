#!/bin/sh
# Starts a sentinel that watches a primary; a sentinel must be able to write its configuration.
#
#   sentinel.sh PRIMARY_HOST PRIMARY_PORT OWN_HOST OWN_PORT    (as everybody finds them)
set -eu
file="$CHAOS_DIR/sentinel.conf"
[ -e "$file" ] || cat >"$file" <<END
bind $CHAOS_HOST
port $CHAOS_PORT_MAIN
dir $CHAOS_DIR
protected-mode no
sentinel announce-ip $3
sentinel announce-port $4
sentinel monitor example $1 $2 2
sentinel down-after-milliseconds example 1000
sentinel failover-timeout example 10000
END
exec redis-sentinel "$file"
