"""Serves greeter.v1 through beanstalkd's protocol: python beanstalk_worker.py [HOST:PORT [PREFIX]]

It works beside workers in Rust, on the same queue, and answers callers in JSON or protobuf as they ask.
"""

import sys

import greenstalk

from envelope import envelopes
from greeter import answer


def serve(queue: str, address=("127.0.0.1", 11300), prefix=""):
    with greenstalk.Client(address, encoding=None, watch=prefix + queue) as broker:
        print(f"serving {prefix}{queue}", flush=True)
        while True:
            job = broker.reserve()
            for request in envelopes(job.body):
                if request.reply_to:
                    broker.use(f"{prefix}_inbox.{request.reply_to}")
                    broker.put(answer(request).encode(), priority=1024, ttr=30)
            broker.delete(job)


if __name__ == "__main__":
    host, prefix = (sys.argv[1:] + ["127.0.0.1:11300", ""][len(sys.argv) - 1 :])[:2]
    host, port = host.rsplit(":", 1)
    try:
        serve("greeter.v1", (host, int(port)), prefix)
    except KeyboardInterrupt:
        pass
