"""Calls greeter.v1 through Redis: python redis_client.py [URL [NAME]]"""

import json
import sys
from uuid import uuid4

import redis

from envelope import Envelope

TIMEOUT = 10_000  # milliseconds
PREFIX = "skyloom"


def call(broker: redis.Redis, queue: str, method: str, message: dict) -> dict:
    """Sends a request and waits for its reply."""
    inbox = uuid4()
    stream = f"{PREFIX}:{{{inbox}}}:inbox"
    # A reply is only put into an inbox that exists; it expires by itself.
    last = broker.xadd(stream, {"o": "1"})
    broker.pexpire(stream, 2 * TIMEOUT)
    request = Envelope(method=method, reply_to=inbox, budget_ms=TIMEOUT, payload=json.dumps(message).encode())
    broker.xadd(f"{PREFIX}:{{{queue}}}:queue:work", {"e": request.encode()})
    found = broker.xread({stream: last}, count=1, block=TIMEOUT)
    broker.delete(stream)
    if not found:
        sys.exit(f"{method}: no reply came within {TIMEOUT} ms")
    reply = Envelope.decode(found[0][1][0][1][b"m"])
    if reply.status:
        sys.exit("{} failed with code {}: {}".format(method, *reply.status))
    return json.loads(reply.payload)


if __name__ == "__main__":
    url, name = (sys.argv[1:] + ["redis://127.0.0.1:6379", "Ada"][len(sys.argv) - 1 :])[:2]
    print(json.dumps(call(redis.Redis.from_url(url, protocol=2), "greeter.v1", "Hello", {"name": name})))
