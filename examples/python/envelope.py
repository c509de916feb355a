"""Skyloom's envelope: what travels on every queue and inbox. proto/skyloom/envelope.proto defines it.

An envelope is a protobuf message. This reads and writes the fields that a caller or a worker needs; with the
`protobuf` package and protoc one could generate the same.
"""

import json
from dataclasses import dataclass, field
from uuid import UUID, uuid4

CALL, CAST, EVENT, PARTIAL, REPLY = range(5)
PROTOBUF, JSON = 0, 1
INVALID_ARGUMENT, NOT_FOUND, INTERNAL = 3, 5, 13


@dataclass
class Envelope:
    kind: int = CALL
    id: UUID = field(default_factory=uuid4)
    method: str = ""
    reply_to: UUID | None = None
    budget_ms: int = 0
    codec: int = JSON
    attempt: int = 0
    status: tuple[int, str] | None = None  # a gRPC code and a sentence: the call has failed
    payload: bytes = b""

    def encode(self) -> bytes:
        out = field_bytes(1, self.id.bytes) + _number(2, self.kind) + field_bytes(3, self.method.encode())
        if self.reply_to:
            out += field_bytes(4, self.reply_to.bytes)
        out += _number(5, self.budget_ms) + _number(6, self.codec)
        if self.status:
            code, message = self.status
            out += field_bytes(13, _number(1, code) + field_bytes(2, message.encode()))
        return out + _number(14, self.attempt) + field_bytes(15, self.payload)

    @classmethod
    def decode(cls, data: bytes) -> "Envelope":
        known = dict(fields(data))
        status = dict(fields(known[13])) if 13 in known else None
        return cls(
            kind=known.get(2, CALL),
            id=UUID(bytes=known[1]),
            method=known.get(3, b"").decode(),
            reply_to=UUID(bytes=known[4]) if 4 in known else None,
            budget_ms=known.get(5, 0),
            codec=known.get(6, PROTOBUF),
            attempt=known.get(14, 0),
            status=(status.get(1, 0), status.get(2, b"").decode()) if status is not None else None,
            payload=known.get(15, b""),
        )

    def reply(self, message: dict) -> "Envelope":
        """The reply to this call."""
        return Envelope(REPLY, self.id, attempt=1, payload=json.dumps(message).encode())

    def failure(self, code: int, sentence: str) -> "Envelope":
        """The reply that says why this call has failed."""
        return Envelope(REPLY, self.id, attempt=1, status=(code, sentence))


def members(data: bytes) -> list[bytes]:
    """What a message holds: an envelope, or a Bundle of several."""
    if not data.startswith(b"\x82\x01"):
        return [data]
    return [member for number, member in fields(data) if number == 16]


def envelopes(data: bytes) -> list[Envelope]:
    """The envelopes of a message."""
    return [Envelope.decode(member) for member in members(data)]


def fields(data: bytes):
    """The fields of a protobuf message: number and value, an int or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        match key & 7:
            case 0:
                yield key >> 3, varint()
            case 2:
                length = varint()
                yield key >> 3, data[at : at + length]
                at += length
            case 1 | 5 as fixed:
                at += 8 if fixed == 1 else 4
            case other:
                raise ValueError(f"no protobuf: wire type {other}")


def _varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value) if value else b""


def field_bytes(number: int, value: bytes) -> bytes:
    """A field with these bytes; nothing if there are none."""
    return _varint(number << 3 | 2) + _varint(len(value)) + value if value else b""
