"""One shot: the vectors of calls.json, of etype 20."""

import hashlib

from reading import *
from sessions import LEVELS, call_binding, fields, is_protected

ETYPE = 20


def checks(vectors):
    return [(one["name"], lambda one=one: check(one)) for one in vectors if one["input"]["etype"] == ETYPE]


def opened(level, key, usages, kind, message):
    """A protected message: its bytes, its number and what it is."""
    if level == "privacy":
        part = unseal(key, usages[0], kind, message, "sealed message")
        return part["user_data"], part["seq_number"], part["kind"]
    part = read(PROTECTED_MESSAGE, message)
    assert key.checksum(usages[1], message[: -2 - key.mac_size]) == part["checksum"], "message checksum"
    return part["message"], part["seq_number"], part["kind"]


def check(vector):
    given, made = vector["input"], vector["output"]
    level, session = given["protection"], Key(ETYPE, bytes.fromhex(given["sessionKey"]))
    requests = [bytes.fromhex(message) for message in made["requests"]]
    responses = [bytes.fromhex(message) for message in made["responses"]]
    digest = b"" if given["requestStream"] else hashlib.sha256(requests[0]).digest()
    binding = call_binding(given["method"], bound_host(given["authority"]), LEVELS[level], digest)
    assert binding.hex() == made["callBinding"], "binding"

    req = read(AP_REQ, bytes.fromhex(made["kerberos-ap-req-bin"]))
    assert req["ticket"].hex() == made["ticket"] and req["protection"] == LEVELS[level], "AP-REQ"
    ticket = read(TICKET, req["ticket"])["enc_part"]["cipher"]
    contents = fields(fields(Key(ETYPE, bytes.fromhex(given["serviceKey"])).decrypt(2, ticket)[1])[3])
    assert contents[3].decode() == given["client"] and contents[11].decode() == given["service"], "ticket"
    assert fields(contents[2])[2] == session.bytes, "session key"

    authenticator = unseal(session, 11, 2, req["authenticator"], "authenticator")
    assert authenticator["client"] == given["client"], "client"
    assert authenticator["checksum"]["checksum"] == session.checksum(10, binding), "authenticator's checksum"
    reply = unseal(session, 12, 27, bytes.fromhex(made["kerberos-ap-rep-bin"]), "AP-REP")
    assert reply["ctime"] == authenticator["ctime"] and reply["nonce"] == authenticator["nonce"], "AP-REP"

    subkeys = is_protected(level, given["requestStream"] or given["responseStream"])
    assert (authenticator["subkey"] is not None) == (reply["subkey"] is not None) == subkeys, "subkeys"
    for part, usages, kind, messages, first, stream in (
        (authenticator, (1024, 1026), 28, requests, given["request"], given["requestStream"]),
        (reply, (1025, 1027), 29, responses, given["response"], given["responseStream"]),
    ):
        if not is_protected(level, stream):
            assert {message.hex() for message in messages} == {first}, "message"
            continue
        key, expected = Key(ETYPE, part["subkey"]["key"]), part["seq_number"]
        for i, message in enumerate(messages):
            body, seq, message_kind = opened(level, key, usages, kind, message)
            assert seq == (expected + i) % 2**32, "sequence number"
            end = stream and i == len(messages) - 1
            assert message_kind == (END if end else OF_APPLICATION), "end marker"
            assert body.hex() == ("" if end else first), "message"
