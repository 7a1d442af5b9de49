"""The messages, and how one travels inside another (docs/protocol.md, "Bytes within messages"). Done for you.

The classes are made from the descriptors in contract.binpb, so that no generated code is needed.
"""

import pathlib

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from encryption import ETYPE, DoesNotOpen
from refusal import Refusal


def _classes(path):
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()).file:
        pool.AddSerializedFile(file.SerializeToString())
    make = getattr(message_factory, "GetMessageClass", None)
    if make is None:  # before protobuf 4.22
        make = message_factory.MessageFactory(pool).GetPrototype
    return lambda name: make(pool.FindMessageTypeByName(name))


message_class = _classes(pathlib.Path(__file__).parent / "contract.binpb")

GrantTicketRequest = message_class("kerberos.v1.GrantTicketRequest")
GrantTicketResponse = message_class("kerberos.v1.GrantTicketResponse")
KdcReqBody = message_class("kerberos.v1.KdcReqBody")
Ticket = message_class("kerberos.v1.Ticket")
EncryptedData = message_class("kerberos.v1.EncryptedData")
EncryptionKey = message_class("kerberos.v1.EncryptionKey")
SealedPart = message_class("kerberos.v1.SealedPart")
EncTicketPart = message_class("kerberos.v1.EncTicketPart")
EncKdcRepPart = message_class("kerberos.v1.EncKdcRepPart")

# Ticket flags, by the numbers of RFC 4120.
INVALID, RENEWABLE, INITIAL, PRE_AUTHENT = 7, 8, 9, 10


def encode(message):
    """The one canonical encoding of a message."""
    return message.SerializeToString(deterministic=True)


def decode(message_type, data, field):
    """A message from its one canonical encoding; any other bytes, and none, are refused: KRB_ERR_GENERIC."""
    message = _canonical(message_type, data)
    if message is None or not data:
        name = message_type.DESCRIPTOR.name
        raise Refusal("KRB_ERR_GENERIC", f"{field}: not the canonical form of {name}")
    return message


def _canonical(message_type, data):
    try:
        message = message_type.FromString(data)
    except Exception:  # what the library raises depends on its version
        return None
    # Otherwise unknown fields would be written back, and go unnoticed.
    message.DiscardUnknownFields()
    return message if encode(message) == data else None


def seal(key, usage, kind, part, kvno=0):
    """An EncryptedData that seals `part` as SealedPart.`kind`; `kvno` is the version of a long-term key."""
    return EncryptedData(etype=ETYPE, kvno=kvno, cipher=key.encrypt(usage, encode(SealedPart(**{kind: part}))))


def open_part(key, usage, kind, data, what):
    """The part of that kind that an EncryptedData seals; anything else is refused: KRB_AP_ERR_BAD_INTEGRITY."""
    refusal = Refusal("KRB_AP_ERR_BAD_INTEGRITY", f"{what}: it does not open")
    if data.etype != ETYPE:
        raise refusal
    try:
        part = _canonical(SealedPart, key.decrypt(usage, data.cipher))
    except DoesNotOpen:
        raise refusal from None
    if part is None or part.WhichOneof("part") != kind:
        raise refusal
    return getattr(part, kind)


def timestamp(milliseconds):
    """The fields of a google.protobuf.Timestamp, from milliseconds since the epoch."""
    return {"seconds": milliseconds // 1000, "nanos": milliseconds % 1000 * 1_000_000}


def milliseconds(time):
    """Milliseconds since the epoch, from a google.protobuf.Timestamp."""
    return time.seconds * 1000 + time.nanos // 1_000_000
