"""Calls greeter.v1 through beanstalkd's protocol: python beanstalk_client.py [HOST:PORT [PREFIX [NAME]]]

The embedded broker answers with `sky broker --beanstalk 127.0.0.1:11300`; there the prefix is empty. With
beanstalkd itself it is `skyloom.`.
"""

import json
import sys
from uuid import uuid4

import greenstalk

from envelope import Envelope

TIMEOUT = 10  # seconds


def call(queue: str, method: str, message: dict, address=("127.0.0.1", 11300), prefix="") -> dict:
    """Sends a request and waits for its reply."""
    inbox = uuid4()
    request = Envelope(method=method, reply_to=inbox, budget_ms=TIMEOUT * 1000, payload=json.dumps(message).encode())
    with greenstalk.Client(address, encoding=None, watch=f"{prefix}_inbox.{inbox}", use=prefix + queue) as broker:
        broker.put(request.encode(), priority=1024, ttr=30)
        while True:
            job = broker.reserve(timeout=TIMEOUT)
            reply = Envelope.decode(job.body)
            broker.delete(job)
            if reply.id == request.id:
                break
    if reply.status:
        sys.exit("{} failed with code {}: {}".format(method, *reply.status))
    return json.loads(reply.payload)


if __name__ == "__main__":
    host, prefix, name = (sys.argv[1:] + ["127.0.0.1:11300", "", "Ada"][len(sys.argv) - 1 :])[:3]
    host, port = host.rsplit(":", 1)
    print(json.dumps(call("greeter.v1", "Hello", {"name": name}, (host, int(port)), prefix)))
