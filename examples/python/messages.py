"""The messages of the contract, and how one travels inside another (docs/protocol.md, Bytes within messages).

The classes are made from a serialized FileDescriptorSet, so that no generated code is needed. The one beside
the protos is the released contract; `protoc --include_imports --descriptor_set_out=FILE` makes another.
"""

import pathlib

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

CONTRACT = pathlib.Path(__file__).parent / "../../proto/baseline.binpb"


def classes(path):
    """The message classes of a serialized FileDescriptorSet, by their full names."""
    files = descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    make = getattr(message_factory, "GetMessageClass", None)
    if make is None:  # before protobuf 4.22
        make = message_factory.MessageFactory(pool).GetPrototype
    return lambda name: make(pool.FindMessageTypeByName(name))


message_class = classes(CONTRACT)


def kerberos(name):
    """The class of a message of package kerberos.v1."""
    return message_class(f"kerberos.v1.{name}")


AuthenticateRequest = kerberos("AuthenticateRequest")
AuthenticateResponse = kerberos("AuthenticateResponse")
GrantTicketRequest = kerberos("GrantTicketRequest")
GrantTicketResponse = kerberos("GrantTicketResponse")
AccessRequest = kerberos("AccessRequest")
AccessResponse = kerberos("AccessResponse")
KdcReqBody = kerberos("KdcReqBody")
EncryptedData = kerberos("EncryptedData")
SealedPart = kerberos("SealedPart")
EtypeInfo2 = kerberos("EtypeInfo2")
Any = message_class("google.protobuf.Any")
Status = message_class("google.rpc.Status")
ErrorInfo = message_class("google.rpc.ErrorInfo")


def canonical_bytes(message):
    """The one encoding of a message that a reader accepts."""
    return message.SerializeToString(deterministic=True)


def read_canonical(message_type, data):
    """Reads a blob. Raises ValueError unless it is in canonical form."""
    try:
        message = message_type.FromString(data)
    except Exception as error:
        raise ValueError(f"not a {message_type.DESCRIPTOR.name}") from error
    # Otherwise unknown fields would be written back, and go unnoticed.
    message.DiscardUnknownFields()
    if canonical_bytes(message) != data:
        raise ValueError(f"not a canonical {message_type.DESCRIPTOR.name}")
    return message


def seal(key, usage, kind, part):
    """A serialized EncryptedData that seals `part` as SealedPart.`kind` under a key."""
    plaintext = canonical_bytes(SealedPart(**{kind: part}))
    return canonical_bytes(EncryptedData(etype=key.etype, cipher=key.encrypt(usage, plaintext)))


def unseal(key, usage, kind, data, known=()):
    """The part of that kind that a serialized EncryptedData seals. Raises ValueError for anything else.

    `known` are the types of extension that the caller understands.
    """
    sealed = read_canonical(EncryptedData, data)
    if sealed.etype != key.etype:
        raise ValueError("sealed under another encryption type")
    plaintext = key.decrypt(usage, sealed.cipher)
    end = _end_of_first_field(plaintext)
    if any(plaintext[end:]) or len(plaintext) - end >= key.block_size:
        raise ValueError("not zero padding")
    part = read_canonical(SealedPart, plaintext[:end])
    if part.WhichOneof("part") != kind:
        raise ValueError(f"not a {kind}")
    opened = getattr(part, kind)
    check_extensions(opened, known)
    return opened


def check_extensions(message, known):
    """Raises ValueError for extensions out of order, or a critical one of a type that is not known."""
    extensions = getattr(message, "extensions", [])
    types = [extension.type for extension in extensions]
    if 0 in types or types != sorted(set(types)):
        raise ValueError("extensions out of order")
    if any(extension.critical and extension.type not in known for extension in extensions):
        raise ValueError("a critical extension that this program does not know")


def _end_of_first_field(data):
    """Where the one field of a SealedPart ends: it is a tag, a length and as many bytes."""
    _, at = _varint(data, 0)
    length, at = _varint(data, at)
    if at + length > len(data):
        raise ValueError("cut short")
    return at + length


def _varint(data, at):
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("cut short")


def timestamp(milliseconds):
    """The fields of a google.protobuf.Timestamp, from milliseconds since the epoch."""
    return {"seconds": milliseconds // 1000, "nanos": milliseconds % 1000 * 1_000_000}


def milliseconds(time):
    """Milliseconds since the epoch, from a google.protobuf.Timestamp."""
    return time.seconds * 1000 + time.nanos // 1_000_000
