#!/usr/bin/env python3
"""A client program for tests: operations as JSON lines in, requests to kv-server.py out."""

import json
import sys
import urllib.error
import urllib.request

for line in sys.stdin:
    operation = json.loads(line)
    key, value = operation["value"]
    url = f"http://{operation['address']}/kv/{key}"
    answer = {"id": operation["id"], "type": "ok"}
    try:
        if operation["f"] == "read":
            with urllib.request.urlopen(url, timeout=3) as response:
                answer["value"] = [key, json.load(response)["data"]["value"]]
        elif operation["f"] == "write":
            request = urllib.request.Request(url, json.dumps(value).encode(), method="PUT")
            urllib.request.urlopen(request, timeout=3).close()
        else:
            body = json.dumps({"from": value[0], "to": value[1]}).encode()
            request = urllib.request.Request(url + "/cas", body, method="POST")
            urllib.request.urlopen(request, timeout=3).close()
    except urllib.error.HTTPError as error:
        if error.code == 404 and operation["f"] == "read":
            answer["value"] = [key, None]
        else:
            answer = {"id": operation["id"], "type": "fail", "error": str(error)}
    except Exception as error:
        answer = {"id": operation["id"], "type": "info", "error": str(error)}
    print(json.dumps(answer), flush=True)
