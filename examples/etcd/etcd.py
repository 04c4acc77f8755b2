"""A client of etcd in a few lines: the JSON gateway of its gRPC API, version 3."""

import base64
import http.client
import json

from beside import Refused, address

# What etcd says when it has not done what it was asked, and will not.
DEFINITE = ("etcdserver: no leader",)


class Member:
    """One member; every request has a connection of its own, as `curl` would."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.host = address(node, "client")

    def ask(self, path: str, timeout: float = 15, alone: bool = False, **body) -> dict:
        """Asks and returns the reply.

        Raises Refused when etcd says that nothing was done, and OSError when nobody knows. A member
        that has no leader says so at once instead of waiting for one, unless it answers `alone`.
        """
        connection = http.client.HTTPConnection(self.host, timeout=timeout)
        try:
            headers = {"Content-Type": "application/json"}
            if not alone:
                headers["Grpc-Metadata-hasleader"] = "true"
            connection.request("POST", "/v3/" + path, json.dumps(body), headers)
            reply = json.loads(connection.getresponse().read())
        except (http.client.HTTPException, ValueError) as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        finally:
            connection.close()
        if "error" in reply:
            sentence = reply["error"]
            raise Refused(sentence) if sentence in DEFINITE else ConnectionError(sentence)
        return reply

    def put(self, key: str, value: str, timeout: float = 15) -> None:
        self.ask("kv/put", timeout, key=text(key), value=text(value))

    def keys(self, prefix: str, alone: bool = False) -> list:
        """All keys with a prefix, as the cluster agrees, or as this member knows them, which may be
        behind: what etcd calls a serializable read."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        reply = self.ask(
            "kv/range", alone=alone, key=text(prefix), range_end=text(end), keys_only=True,
            serializable=alone,
        )
        return [base64.b64decode(item["key"]).decode() for item in reply.get("kvs", [])]

    def get(self, key: str, alone: bool = False, timeout: float = 15):
        """The value of a key, or None; `alone` as for `keys`."""
        reply = self.ask("kv/range", timeout, alone=alone, key=text(key), serializable=alone)
        found = reply.get("kvs", [])
        return base64.b64decode(found[0]["value"]).decode() if found else None

    def swap(self, key: str, old: str, new: str, timeout: float = 15) -> bool:
        """Sets a key if it has a certain value; whether it had."""
        condition = {"key": text(key), "target": "VALUE", "result": "EQUAL", "value": text(old)}
        put = {"requestPut": {"key": text(key), "value": text(new)}}
        reply = self.ask("kv/txn", timeout, compare=[condition], success=[put])
        return reply.get("succeeded", False)

    def status(self) -> dict:
        """Who leads, as this member sees it: `leader` is '0' for nobody."""
        reply = self.ask("maintenance/status", timeout=2, alone=True)
        return {
            "id": reply["header"]["member_id"], "leader": reply.get("leader", "0"),
            "term": int(reply["raftTerm"]),
        }


def text(value: str) -> str:
    return base64.b64encode(value.encode()).decode()
