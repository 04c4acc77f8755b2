#!/bin/sh
# Makes and starts a PostgreSQL server in the node's own directory.
#
#   node.sh primary [NAME OF THE SYNCHRONOUS STANDBY]
#   node.sh standby HOST PORT       (where it sees the primary)
#
# What it does not take as arguments it finds in the environment that chaos gives every node.
set -eu
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)"
data="$CHAOS_DIR/data"

# PostgreSQL refuses to run as root; Debian's package has made a user for it. Nodes of the lab cannot change
# their user: chaos does it there ('user:').
as=""
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid=postgres --regid=postgres --init-groups"
    chown postgres: "$CHAOS_DIR"
    if ! $as test -w "$CHAOS_DIR"; then
        echo "the user 'postgres' must be able to reach $CHAOS_DIR; hint: --runs /tmp/runs, or do not run this as root" >&2
        exit 1
    fi
fi
cd "$CHAOS_DIR"

if [ -e "$data/PG_VERSION" ]; then
    : # it was killed, and comes back with what it has
elif [ "$1" = primary ]; then
    $as initdb --pgdata "$data" --username postgres --auth trust --no-locale --encoding UTF8 --no-sync
    echo "synchronous_standby_names = '${2-}'" >>"$data/postgresql.conf"
    printf 'host %s postgres all trust\n' all replication >>"$data/pg_hba.conf"
else
    until pg_isready --quiet --host "$2" --port "$3"; do sleep 0.1; done
    $as pg_basebackup --pgdata "$data" --username postgres --host "$2" --port "$3" \
        --checkpoint fast --no-sync --wal-method stream
    echo "primary_conninfo = 'user=postgres host=$2 port=$3 application_name=$CHAOS_NODE'" \
        >>"$data/postgresql.conf"
    $as touch "$data/standby.signal"
fi
exec $as postgres -D "$data" -c listen_addresses="$CHAOS_HOST" -c port="$CHAOS_PORT_MAIN" \
    -c unix_socket_directories= -c fsync=off
