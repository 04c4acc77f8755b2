#!/bin/sh
# A DNS server behind a UDP proxy that loses a third of all questions: who asks again is answered, who asks once is not.
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
port=$((20000 + $$ % 10000))
export TOXIPROXY_URL="http://127.0.0.1:$((port + 2))"
dnsmasq --no-daemon --conf-file=/dev/null --pid-file= --no-resolv --no-hosts --bind-interfaces \
    --listen-address=127.0.0.1 --port=$port --address=/chaos.test/192.0.2.7 >"$dir/dnsmasq" 2>&1 & server=$!
chaos proxy --port $((port + 2)) --seed 1 >"$dir/proxy" 2>&1 & proxy=$!
trap 'kill $server $proxy; wait; rm -r "$dir"' EXIT
until chaos toxic list >/dev/null 2>&1; do sleep 0.1; done

# Ten questions, one after the other, and how many were answered.
ask() { for n in 1 2 3 4 5 6 7 8 9 10; do dig @127.0.0.1 -p $((port + 1)) +short +notcp "+tries=$1" +time=1 "n$n.chaos.test"; done | grep -c '^192.0.2.7$'; }

chaos toxic create --network udp --listen 127.0.0.1:$((port + 1)) --upstream 127.0.0.1:$port dns
echo "healthy, asked once: $(ask 1) of 10"
chaos toxic add dns --type packet_loss --upstream --attribute loss_rate=0.33
echo "a third of the questions lost, asked once: $(ask 1) of 10"
echo "a third of the questions lost, asked eight times: $(ask 8) of 10"
chaos toxic delete dns
echo "no proxy any more: $(ask 1) of 10"
