"""What a test suite does with Toxiproxy, done by toxiproxy-python (PyPI) against `chaos proxy`.

The client is used as it is: it knows nothing of chaos. Prints one line a step and ends with 0 only
if each was as it must be.
"""

import os
import socket
import sys
import threading
import time

from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists


def echo_server():
    """A service that sends back what it gets; returns its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                pass

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return "127.0.0.1:%d" % listener.getsockname()[1]


def address(proxy):
    host, port = proxy.listen.rsplit(":", 1)
    return host, int(port)


def round_trip(connection, data=b"ping"):
    """Sends and waits for the answer; how long that took, in milliseconds."""
    begin = time.monotonic()
    connection.sendall(data)
    received = b""
    while len(received) < len(data):
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("the stream ended")
        received += piece
    must(received == data, "what came back is what was sent")
    return (time.monotonic() - begin) * 1000


def must(condition, what):
    if not condition:
        sys.exit("toxiproxy-clients: not so: " + what)


def main():
    server = Toxiproxy()
    server.update_api_consumer(os.environ.get("TOXIPROXY_HOST", "127.0.0.1"), int(sys.argv[1]))
    must(server.running(), "the server runs")
    print("version", server.version().decode().strip())
    server.destroy_all()

    upstream = echo_server()
    proxy = server.create(name="echo", upstream=upstream)
    must(proxy.enabled, "a new proxy is enabled")
    try:
        server.create(name="echo", upstream=upstream)
        must(False, "a second proxy of one name is refused")
    except ProxyExists:
        print("a second 'echo' is refused")

    connection = socket.create_connection(address(proxy))
    round_trip(connection)
    proxy.add_toxic(type="latency", attributes={"latency": 200, "jitter": 0})
    slow = round_trip(connection)
    must(slow >= 200, "a round trip takes 200 ms at least, it took %.1f" % slow)
    print("latency: 200 ms are kept")
    proxy.destroy_toxic("latency_downstream")
    must(proxy.toxics() == {}, "no toxic is left")

    proxy.add_toxic(type="bandwidth", name="slow", stream="upstream", attributes={"rate": 100})
    paced = round_trip(connection, b"x" * 50_000)
    must(paced >= 490, "50 000 bytes at 100 KB/s take half a second, they took %.1f" % paced)
    print("bandwidth: 50 000 bytes at 100 KB/s take half a second")
    must(server.reset(), "the reset is answered")
    must(server.get_proxy("echo").toxics() == {}, "a reset leaves no toxic")

    proxy.add_toxic(type="limit_data", attributes={"bytes": 10})
    connection.sendall(b"x" * 100)
    must(connection.recv(100) == b"x" * 10, "ten bytes come")
    must(connection.recv(100) == b"", "and then the end")
    print("limit_data: exactly 10 bytes, then the end")
    proxy.destroy_toxic("limit_data_downstream")

    with proxy.down():
        try:
            socket.create_connection(address(proxy))
            must(False, "a proxy that is down refuses")
        except ConnectionRefusedError:
            print("down: connections are refused")
    round_trip(socket.create_connection(address(proxy)))

    try:
        proxy.add_toxic(type="no_such_thing")
        must(False, "an unknown type is refused")
    except InvalidToxic as error:
        print("invalid toxic:", error)
    must(proxy.destroy(), "the proxy is deleted")
    try:
        proxy.destroy()
        must(False, "it is gone")
    except NotFound as error:
        print("not found:", error)
    populated = server.populate([{"name": "a", "upstream": upstream}, {"name": "b", "upstream": upstream}])
    must(sorted(server.proxies()) == ["a", "b"] and len(populated) == 2, "both proxies are there")
    print("populate: a, b")
    server.destroy_all()
    print("as it must be")


if __name__ == "__main__":
    main()
