"""Serves greeter.v1 through Redis: python redis_worker.py [URL]

It works beside workers in Rust, on the same queue.
"""

import sys
from uuid import uuid4

import redis

from envelope import Envelope, members
from greeter import answer

GROUP = "workers"
PREFIX = "skyloom"


def serve(broker: redis.Redis, queue: str):
    work, count = (f"{PREFIX}:{{{queue}}}:queue:{key}" for key in ("work", "count"))
    try:
        broker.xgroup_create(work, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):  # the group is there already
            raise
    name = f"python-{uuid4()}"
    print(f"serving {queue}", flush=True)
    while True:
        for _, entries in broker.xreadgroup(GROUP, name, {work: ">"}, count=1, block=1000) or []:
            for entry, found in entries:
                bodies = members(found[b"e"])
                requests = [Envelope.decode(body) for body in bodies]
                replies = [(request.reply_to, answer(request).encode()) for request in requests]
                # Whoever ends the lease may answer, once; a reply to an inbox that is gone makes none.
                if broker.xack(work, GROUP, entry) == 1:
                    for inbox, reply in replies:
                        broker.xadd(f"{PREFIX}:{{{inbox}}}:inbox", {"m": reply}, nomkstream=True)
                    broker.xdel(work, entry)
                    # How full the queue is: its bytes, and the messages beyond the first of each entry.
                    broker.hincrby(count, "bytes", -sum(map(len, bodies)))
                    broker.hincrby(count, "more", 1 - len(bodies))


if __name__ == "__main__":
    url = (sys.argv[1:] + ["redis://127.0.0.1:6379"])[0]
    try:
        serve(redis.Redis.from_url(url, protocol=2), "greeter.v1")
    except KeyboardInterrupt:
        pass
