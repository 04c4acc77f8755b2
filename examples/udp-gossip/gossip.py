#!/usr/bin/env python3
"""A node that spreads numbers by gossip: one datagram holds all that a node knows, as in many small
membership protocols. Clients talk to it over TCP, in lines of JSON (Maelstrom's `broadcast`)."""
import argparse
import json
import random
import socket
import socketserver
import threading
import zlib

parser = argparse.ArgumentParser()
parser.add_argument("--id", required=True)
parser.add_argument("--client", required=True, help="where clients connect, HOST:PORT")
parser.add_argument("--gossip", required=True, help="where datagrams come in, HOST:PORT")
parser.add_argument("--peers", required=True, help="where the others' datagrams come in, comma-joined")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--once", action="store_true", help="tell each peer of a number once, and never again")
parser.add_argument("--other-socket", action="store_true", help="send from another socket than the one that hears")
options = parser.parse_args()


def address(text):
    host, port = text.rsplit(":", 1)
    return (host.strip("[]"), int(port))


family = socket.AF_INET6 if "[" in options.gossip else socket.AF_INET
ears = socket.socket(family, socket.SOCK_DGRAM)
ears.bind(address(options.gossip))
mouth = socket.socket(family, socket.SOCK_DGRAM) if options.other_socket else ears
own = address(options.gossip)
peers = [address(text) for text in options.peers.split(",") if address(text) != own]
known = 0  # bit n is set if the node knows the number n
lock = threading.Lock()


def say(to, kind, numbers):
    text = b"%c%x" % (kind, numbers)
    try:
        mouth.sendto(b"%08x" % zlib.crc32(text) + text, to)
    except OSError:
        pass  # nobody hears it, and gossip does not mind


def learn(numbers):
    global known
    with lock:
        news = numbers & ~known
        known |= numbers
    if news and options.once:
        for peer in peers:
            say(peer, ord("!"), news)


def hear(ear):
    while True:
        try:
            datagram, sender = ear.recvfrom(65536)
        except OSError:
            continue  # somebody was told that nobody hears him
        text = datagram[8:]
        if datagram[:8] != b"%08x" % zlib.crc32(text):
            continue  # it arrived corrupt
        numbers = int(text[1:], 16)
        learn(numbers)
        # A question is answered to where it came from.
        if text[:1] == b"?" and known & ~numbers:
            say(sender, ord("!"), known)


def gossip():
    dice = random.Random(f"{options.seed} {options.id}")
    while not threading.Event().wait(0.05):
        say(dice.choice(peers), ord("?"), known)


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            message = json.loads(line)
            body = message["body"]
            reply = {"type": body["type"] + "_ok", "in_reply_to": body.get("msg_id")}
            if body["type"] == "broadcast":
                learn(1 << body["message"])
            elif body["type"] == "read":
                reply["messages"] = [n for n in range(known.bit_length()) if known >> n & 1]
            envelope = {"src": options.id, "dest": message["src"], "body": reply}
            self.wfile.write(json.dumps(envelope).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    address_family = family


for ear in {ears, mouth}:
    if ear is ears or not options.once:
        threading.Thread(target=hear, args=(ear,), daemon=True).start()
if not options.once and peers:
    threading.Thread(target=gossip, daemon=True).start()
with Server(address(options.client), Client) as server:
    print("listening", flush=True)
    server.serve_forever()
