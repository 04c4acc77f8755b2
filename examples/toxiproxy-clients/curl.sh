#!/bin/sh
# The same API with curl alone: ./curl.sh PORT
set -eu
api=http://127.0.0.1:$1

echo '$ POST /proxies'
curl -fsS -d '{"name":"web","listen":"127.0.0.1:0","upstream":"127.0.0.1:1"}' "$api/proxies" |
    sed 's/127.0.0.1:[0-9][0-9]*"/127.0.0.1:PORT"/'
echo
echo '$ POST /proxies/web/toxics'
curl -fsS -d '{"type":"latency","attributes":{"latency":100,"jitter":20}}' "$api/proxies/web/toxics"
echo
echo '$ PATCH /proxies/web/toxics/latency_downstream'
curl -fsS -X PATCH -d '{"attributes":{"latency":300}}' "$api/proxies/web/toxics/latency_downstream"
echo
echo '$ POST /proxies/web/toxics (an attribute at which Toxiproxy would die)'
curl -sS -d '{"type":"slicer"}' "$api/proxies/web/toxics"
echo '$ POST /reset'
curl -fsS -o /dev/null -w '%{http_code}\n' -X POST "$api/reset"
echo '$ DELETE /proxies/web'
curl -fsS -o /dev/null -w '%{http_code}\n' -X DELETE "$api/proxies/web"
