"""What a reader of the vectors needs of RFC 8009, of protobuf and of canonical form."""

import functools
import hashlib
import hmac

from aes import BLOCK, decrypt_blocks

# By encryption type: the hash, the size of keys, and that of MACs and their keys.
TYPES = {19: (hashlib.sha256, 16, 16), 20: (hashlib.sha384, 32, 24)}


class Refused(Exception):
    """What a receiver does not take, by its reason."""


class NotCanonical(Exception):
    """Bytes that are no message in canonical form."""


def require(condition, reason):
    if not condition:
        raise Refused(reason)


class Key:
    """A key of an encryption type (RFC 8009)."""

    def __init__(self, etype, key):
        self.etype, self.bytes = etype, key
        self.hash, self.size, self.mac_size = TYPES[etype]

    def derive(self, usage, kind, size):
        """KDF-HMAC-SHA2 of section 3: kind 0x99 checksum, 0xAA encryption, 0x55 integrity."""
        label = usage.to_bytes(4, "big") + bytes([kind])
        data = b"\0\0\0\1" + label + b"\0" + (size * 8).to_bytes(4, "big")
        return hmac.new(self.bytes, data, self.hash).digest()[:size]

    def checksum(self, usage, data):
        return hmac.new(self.derive(usage, 0x99, self.mac_size), data, self.hash).digest()[: self.mac_size]

    def decrypt(self, usage, sealed):
        """Section 5, the MAC first: the confounder and the plaintext."""
        cipher, mac = sealed[: -self.mac_size], sealed[-self.mac_size :]
        require(len(cipher) >= BLOCK, "MAC")
        whole = hmac.new(self.derive(usage, 0x55, self.mac_size), bytes(BLOCK) + cipher, self.hash).digest()
        require(hmac.compare_digest(whole[: self.mac_size], mac), "MAC")
        key = self.derive(usage, 0xAA, self.size)
        if len(cipher) == BLOCK:
            return aes_blocks(key, cipher), b""
        tail = len(cipher) % BLOCK or BLOCK
        head, last, stolen = cipher[: -BLOCK - tail], cipher[-BLOCK - tail : -tail], cipher[-tail:]
        # The next-to-last block on the wire is the last one of CBC; what was stolen from the other comes out of it.
        blocks = aes_blocks(key, last)
        chain = head + stolen + blocks[tail:]
        befores = bytes(BLOCK) + chain
        plain = xor(aes_blocks(key, chain), befores) + xor(blocks[:tail], stolen)
        return plain[:BLOCK], plain[BLOCK:]


aes_blocks = functools.cache(decrypt_blocks)  # a ticket is opened many times


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def hmac_sha256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf_sha256(secret, salt, info, size):
    """RFC 5869, for at most one block."""
    return hmac_sha256(hmac_sha256(salt, secret), info + b"\1")[:size]


# Messages: their fields by number, each with its name and type; a list of one is a repeated message.
TIMESTAMP = {1: ("seconds", "int64"), 2: ("nanos", "int32")}
ENCRYPTION_KEY = {1: ("etype", "int32"), 2: ("key", "bytes")}
CHECKSUM = {1: ("type", "int32"), 2: ("checksum", "bytes")}
ENCRYPTED_DATA = {1: ("etype", "int32"), 2: ("kvno", "uint32"), 3: ("cipher", "bytes")}
TICKET = {1: ("server", "string"), 2: ("enc_part", ENCRYPTED_DATA)}
EXTENSION = {1: ("type", "int32"), 2: ("critical", "bool"), 3: ("data", "bytes")}
AP_REQ = {
    1: ("ticket", "bytes"),
    2: ("authenticator", "bytes"),
    3: ("protection", "int32"),
    4: ("extensions", [EXTENSION]),
}
AUTHENTICATOR = {
    1: ("client", "string"),
    2: ("ctime", TIMESTAMP),
    3: ("checksum", CHECKSUM),
    4: ("subkey", ENCRYPTION_KEY),
    5: ("seq_number", "uint32"),
    6: ("nonce", "bytes"),
    7: ("extensions", [EXTENSION]),
}
ENC_AP_REP_PART = {
    1: ("ctime", TIMESTAMP),
    2: ("nonce", "bytes"),
    3: ("subkey", ENCRYPTION_KEY),
    4: ("seq_number", "uint32"),
    5: ("extensions", [EXTENSION]),
}
ENC_PRIV_PART = {1: ("user_data", "bytes"), 2: ("seq_number", "uint32"), 3: ("kind", "int32"), 4: ("call", "int64")}
PROTECTED_MESSAGE = {1: ("message", "bytes"), 2: ("seq_number", "uint32"), 3: ("kind", "int32"), 4: ("checksum", "bytes")}
SESSION_CALL = {
    1: ("session", "bytes"),
    2: ("number", "int64"),
    3: ("call", "int64"),
    4: ("protection", "int32"),
    5: ("age", "uint32"),
    6: ("mac", "bytes"),
}
REPEATED_ATTEMPT = {1: ("session", "bytes"), 2: ("number", "int64"), 3: ("tag", "bytes")}
SESSION_GRANT = {1: ("id", "bytes"), 2: ("life", "uint32")}
# What a protected message is.
OF_APPLICATION, END, RENEWAL = 0, 1, 2
# The kinds of SealedPart by their numbers.
KINDS = {2: AUTHENTICATOR, 27: ENC_AP_REP_PART, 28: ENC_PRIV_PART, 29: ENC_PRIV_PART}


def varint(data, at):
    """A varint in its fewest bytes, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise NotCanonical
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            if (byte == 0 and shift > 7) or value >= 2**64:
                raise NotCanonical
            return value, at


def read(schema, data):
    """A message in canonical form: a dict of all its fields. Raises NotCanonical."""
    message = {name: default(kind) for name, kind in schema.values()}
    at, last = 0, 0
    while at < len(data):
        tag, at = varint(data, at)
        number = tag >> 3
        name, kind = schema.get(number, ("", None))
        repeated = isinstance(kind, list)
        if kind is None or number < last or (number == last and not repeated):
            raise NotCanonical
        last = number
        if isinstance(kind, str) and kind not in ("bytes", "string"):
            if tag & 7 != 0:
                raise NotCanonical
            value, at = varint(data, at)
            message[name] = number_of(kind, value)
            continue
        length, start = varint(data, at)
        at = start + length
        if tag & 7 != 2 or at > len(data):
            raise NotCanonical
        value = data[start:at]
        if repeated:
            message[name].append(read(kind[0], value))
        elif isinstance(kind, dict):
            message[name] = read(kind, value)
        else:
            message[name] = text_of(kind, value)
    return message


def default(kind):
    if isinstance(kind, list):
        return []
    return {"bytes": b"", "string": "", "bool": False}.get(kind, 0) if isinstance(kind, str) else None


def number_of(kind, value):
    signed = value - 2**64 if value >= 2**63 else value
    fits = {
        "bool": value == 1,
        "uint32": value < 2**32,
        "int32": -(2**31) <= signed < 2**31,
        "int64": True,
    }[kind]
    if value == 0 or not fits:
        raise NotCanonical
    return True if kind == "bool" else value if kind == "uint32" else signed


def text_of(kind, value):
    if not value:
        raise NotCanonical
    try:
        return value.decode("utf-8") if kind == "string" else value
    except UnicodeDecodeError:
        raise NotCanonical from None


def blob(schema, data, reason="KRB_ERR_GENERIC"):
    """A message that travels in clear inside bytes."""
    require(data, reason)
    try:
        return read(schema, data)
    except NotCanonical:
        raise Refused(reason) from None


def unseal(key, usage, kind, data, reason, framed="KRB_ERR_GENERIC"):
    """The part of a kind that a serialized EncryptedData seals; with its confounder."""
    outer = blob(ENCRYPTED_DATA, data, framed)
    require(outer["etype"] == key.etype, reason)
    try:
        confounder, plain = key.decrypt(usage, outer["cipher"])
        tag, at = varint(plain, 0)
        length, at = varint(plain, at)
        require(tag == kind << 3 | 2 and at + length == len(plain), reason)
        return {**read(KINDS[kind], plain[at:]), "confounder": confounder}
    except (NotCanonical, Refused):
        raise Refused(reason) from None


def encoded(*fields):
    """Fields of a message, canonical: (number, bytes or number); defaults are left out."""
    out = b""
    for number, value in fields:
        if value in (b"", 0):
            continue
        if isinstance(value, bytes):
            out += as_varint(number << 3 | 2) + as_varint(len(value)) + value
        else:
            out += as_varint(number << 3) + as_varint(value)
    return out


def as_varint(value):
    out = b""
    while value >= 128:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def bound_host(authority):
    """The host of `:authority`: in lower case, without a port."""
    host, _, port = authority.rpartition(":")
    return (host if port.isdigit() else authority).lower()
