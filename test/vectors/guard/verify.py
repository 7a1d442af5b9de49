"""Checks the golden vectors of etype 20 from docs/guard.md and RFC 8009 alone: nothing of the project runs here.

Needs Python's standard library and the openssl command (for AES blocks). Prints one line a vector; exits 1 at a difference.
"""

import hashlib
import hmac
import json
import pathlib
import subprocess
import sys

ETYPE, BLOCK, MAC = 20, 16, 24


def bound_host(authority):
    """The host of `:authority`: in lower case, without a port."""
    return authority.rsplit(":", 1)[0].lower()


def derive(key, usage, kind, size):
    """KDF-HMAC-SHA2 of RFC 8009 section 3: kind 0x99 checksum, 0xAA encryption, 0x55 integrity."""
    label = usage.to_bytes(4, "big") + bytes([kind])
    data = b"\0\0\0\1" + label + b"\0" + (size * 8).to_bytes(4, "big")
    return hmac.new(key, data, hashlib.sha384).digest()[:size]


def aes_blocks(key, blocks):
    command = ["openssl", "enc", "-d", "-aes-256-ecb", "-nopad", "-K", key.hex()]
    return subprocess.run(command, input=blocks, capture_output=True, check=True).stdout


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def decrypt(key, usage, sealed):
    """RFC 8009 section 5: the MAC over IV and ciphertext first, then CBC with ciphertext stealing, then the confounder."""
    cipher, mac = sealed[:-MAC], sealed[-MAC:]
    whole = hmac.new(derive(key, usage, 0x55, MAC), bytes(BLOCK) + cipher, hashlib.sha384).digest()
    assert hmac.compare_digest(whole[:MAC], mac), "MAC"
    ke = derive(key, usage, 0xAA, 32)
    tail = len(cipher) % BLOCK or BLOCK
    head, last, stolen = cipher[: -BLOCK - tail], cipher[-BLOCK - tail : -tail], cipher[-tail:]
    # The next-to-last block on the wire is the last one of CBC; what was stolen from the other comes out of it.
    opened = aes_blocks(ke, last)
    previous = stolen + opened[tail:]
    chain = head + previous
    plain = b"".join(
        xor(block, before)
        for block, before in zip(
            (lambda out: [out[i : i + BLOCK] for i in range(0, len(out), BLOCK)])(aes_blocks(ke, chain)),
            [bytes(BLOCK)] + [chain[i : i + BLOCK] for i in range(0, len(chain), BLOCK)],
        )
    )
    return (plain + xor(opened[:tail], stolen))[BLOCK:]


def checksum(key, usage, data):
    return hmac.new(derive(key, usage, 0x99, MAC), data, hashlib.sha384).digest()[:MAC]


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """The fields of a protobuf message: numbers and bytes, by field number."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at : at + value], at + value
        found[tag >> 3] = value
    return found


def unseal(key, usage, kind, data):
    """EncryptedData{etype 1, cipher 3} that seals SealedPart.<kind>."""
    outer = fields(data)
    assert outer[1] == ETYPE
    return fields(fields(decrypt(key, usage, outer[3]))[kind])


def opened(level, key, usages, kind, message):
    """A protected message: its bytes, number and whether it ends the stream."""
    if level == "privacy":
        part = unseal(key, usages[0], kind, message)
        return part.get(1, b""), part.get(2, 0), part.get(3, 0)
    part = fields(message)
    assert checksum(key, usages[1], message[: -2 - MAC]) == part[4], "message checksum"
    return part.get(1, b""), part.get(2, 0), part.get(3, 0)


def text(number, value):
    return bytes([number << 3 | 2, len(value)]) + value


def check(vector):
    given, made = vector["input"], vector["output"]
    level, session = given["protection"], bytes.fromhex(given["sessionKey"])
    requests = [bytes.fromhex(message) for message in made["requests"]]
    responses = [bytes.fromhex(message) for message in made["responses"]]
    number = ["", "authenticate", "integrity", "privacy"].index(level)
    binding = text(1, given["method"].encode()) + text(2, bound_host(given["authority"]).encode()) + bytes([3 << 3, number])
    if not given["requestStream"]:
        binding += text(4, hashlib.sha256(requests[0]).digest())
    assert binding.hex() == made["callBinding"], "binding"

    req = fields(bytes.fromhex(made["kerberos-ap-req-bin"]))
    assert req[1].hex() == made["ticket"] and req[3] == number
    ticket = fields(fields(req[1])[2])
    contents = fields(fields(decrypt(bytes.fromhex(given["serviceKey"]), 2, ticket[3]))[3])
    assert contents[3].decode() == given["client"] and contents[11].decode() == given["service"]
    assert fields(contents[2])[2] == session

    authenticator = unseal(session, 11, 2, req[2])
    assert authenticator[1].decode() == given["client"]
    assert fields(authenticator[3])[2] == checksum(session, 10, binding), "authenticator's checksum"
    reply = unseal(session, 12, 27, bytes.fromhex(made["kerberos-ap-rep-bin"]))
    assert reply[1] == authenticator[2] and reply[2] == authenticator[6], "AP-REP"

    subkeys = level != "authenticate" or given["requestStream"] or given["responseStream"]
    assert (4 in authenticator) == (3 in reply) == subkeys, "subkeys"
    for part, at, usages, kind, messages, first, stream in (
        (authenticator, (4, 5), (1024, 1026), 28, requests, given["request"], given["requestStream"]),
        (reply, (3, 4), (1025, 1027), 29, responses, given["response"], given["responseStream"]),
    ):
        if level == "authenticate" and not stream:
            assert [message.hex() for message in messages] == [first], "message"
            continue
        key, expected = fields(part[at[0]])[2], part.get(at[1], 0)
        for i, message in enumerate(messages):
            body, seq, end = opened(level, key, usages, kind, message)
            assert seq == (expected + i) % 2**32, "sequence number"
            assert end == (1 if stream and i == len(messages) - 1 else 0), "end marker"
            assert body.hex() == ("" if end else first), "message"


vectors = json.loads(pathlib.Path(__file__).with_name("calls.json").read_text())
for vector in vectors:
    if vector["input"]["etype"] != ETYPE:
        continue
    try:
        check(vector)
    except AssertionError as difference:
        sys.exit(f"{vector['name']}: differs: {difference}")
    print(f"{vector['name']}: as written")
