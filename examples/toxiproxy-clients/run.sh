#!/bin/sh
# Runs both clients against a `chaos proxy` of their own: ./run.sh [CHAOS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
chaos=${1:-chaos}
work=$(mktemp -d)
trap 'kill "$proxy" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
proxy=

# The client from PyPI, unchanged, in an environment that is gone afterwards.
if ! python3 -c 'import toxiproxy' 2>/dev/null; then
    python3 -m venv "$work/python"
    "$work/python/bin/pip" -q install toxiproxy-python==0.1.1
    PATH=$work/python/bin:$PATH
fi

"$chaos" proxy --host 127.0.0.1 --port 0 >"$work/log" &
proxy=$!
until port=$(sed -n 's/.*"address":"127.0.0.1:\([0-9]*\)".*Starting.*/\1/p' "$work/log") && [ -n "$port" ]; do
    kill -0 "$proxy"
    sleep 0.1
done
python3 "$here/scenario.py" "$port"
"$here/curl.sh" "$port"
