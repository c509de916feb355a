"""What greeter.v1 does, whatever the broker: a request's envelope in, the reply's envelope out.

It answers in JSON or in protobuf, as the caller asks.
"""

import json

from envelope import INVALID_ARGUMENT, JSON, NOT_FOUND, PROTOBUF, REPLY, Envelope, field_bytes, fields


def hello(request: Envelope) -> Envelope:
    if request.codec == JSON:
        name = json.loads(request.payload).get("name", "")
    else:  # message HelloRequest { string name = 1; }
        name = dict(fields(request.payload)).get(1, b"").decode()
    if not name:
        return request.failure(INVALID_ARGUMENT, "name is missing: whom shall I greet?")
    text = f"Hello, {name}!"
    if request.codec == JSON:
        return request.reply({"text": text})
    payload = field_bytes(1, text.encode())  # message HelloReply { string text = 1; }
    return Envelope(REPLY, request.id, codec=PROTOBUF, attempt=1, payload=payload)


def answer(request: Envelope) -> Envelope:
    if request.method == "Hello":
        return hello(request)
    return request.failure(NOT_FOUND, f"this service has no method {request.method!r}")
