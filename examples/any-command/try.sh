#!/bin/sh
# An existing test suite beside a healthy, a slow and a cut database; nothing is changed in either.
db=127.0.0.1:$((20000 + $$ % 10000))
redis-server --port "${db#*:}" --save '' >/dev/null & trap 'kill $!; wait' EXIT   # yours runs already
until redis-cli -p "${db#*:}" ping >/dev/null 2>&1; do sleep 0.1; done
suite="DATABASE=\$CHAOS_LINK_DB $(dirname "$0")/suite.py"
chaos run -q --link db=$db -- sh -c "$suite";                                  echo "healthy: $?"
chaos run -q --link db=$db --set 'client->db delay=100ms' -- sh -c "$suite";   echo "slow: $?"
chaos run -q --link db=$db -- sh -c "chaos partition client / db; $suite";     echo "cut: $?"
