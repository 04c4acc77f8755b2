"""Cuts n1 off in a live run of chaos, waits, and heals: cut.py [SOCKET [SECONDS]]."""

import json, socket, sys, time

path, seconds = (sys.argv[1:] + ["runs/latest/control.sock", "10"][len(sys.argv) - 1:])[:2]
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(path)
    lines = connection.makefile("rw")

    def ask(**request):
        print(json.dumps(request), file=lines, flush=True)
        reply = json.loads(lines.readline())
        return reply["result"] if reply["ok"] else sys.exit(reply["error"]["message"])

    cut = ask(op="partition", partition="n1 / rest", mode="drop")
    print("cut", cut["id"], *cut["links"])
    time.sleep(float(seconds))
    print("healed", *[ended["id"] for ended in ask(op="heal", injection=cut["id"])["ended"]])
