"""Listens, and accepts nobody: one connection fits into its backlog, and it takes that one itself."""

import os
import socket
import time

host, _, port = os.environ["CHAOS_LISTEN"].rpartition(":")
listener = socket.create_server((host, int(port)), backlog=0)
first = socket.create_connection((host, int(port)))
print("full", flush=True)
while True:
    time.sleep(3600)
