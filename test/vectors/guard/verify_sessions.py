"""The vectors of sessions.json: first contact, exchanges, keys, and the calls under a session."""

import hashlib

from reading import *
from sessions import *


def checks(vectors):
    for vector in vectors:
        name = vector["name"]
        draws = draws_of(vector)
        service = Service(vector["input"], draws)
        yield f"{name}, first contact", lambda v=vector, s=service, d=draws: first_contact(v, s, d)
        for index in (0, 1):
            check = lambda v=vector, s=service, d=draws, i=index: exchange(v, s, d, i)
            yield f"{name}, exchange {index + 1}", check
        for call in vector["calls"]:
            check = lambda v=vector, s=service, d=draws, c=call: session_call(v, s, d, c)
            yield f"{name}, call {call['number']}: {call['name']}", check


def draws_of(vector):
    return {draw["for"]: bytes.fromhex(draw["bytes"]) for draw in vector["input"]["randomDraws"]}


def first_contact(vector, service, draws):
    """Refused: it asks for a session, and holds no challenge."""
    given, contact = vector["input"], vector["firstContact"]
    data = bytes.fromhex(contact["kerberos-ap-req-bin"])
    try:
        service.ap_req(data, bytes.fromhex(given["request"]), given["challengedAt"][0])
        raise AssertionError("accepted without a challenge")
    except Refused as refusal:
        assert str(refusal) == MORE, f"refused with {refusal}"
    part = unseal(service.session_key, 11, 2, blob(AP_REQ, data)["authenticator"], "authenticator")
    assert part["nonce"] == draws["first contact: nonce"], "nonce"
    assert part["confounder"] == draws["first contact: confounder"], "confounder"
    assert part["subkey"]["key"] == draws["first contact: client subkey"], "subkey"
    # google.rpc.Status{ 1 code, 2 message, 3 details }, of Any{ 1 type_url, 2 value }.
    status = bytes.fromhex(contact["status"]["details"])
    found, at = {}, 0
    while at < len(status):
        tag, at = varint(status, at)
        value, at = varint(status, at)
        if tag & 7 == 2:
            value, at = status[at : at + value], at + value
        if tag >> 3 == 3:
            any_ = fields(value)
            found[any_[1].decode().rsplit("/", 1)[1]] = any_[2]
    assert fields(found["google.rpc.ErrorInfo"])[1].decode() == MORE, "reason"
    challenge = fields(found["kerberos.v1.GuardChallenge"])[1]
    assert challenge.hex() == vector["exchanges"][0]["challenge"], "challenge"


def exchange(vector, service, draws, index):
    given, made, name = vector["input"], vector["exchanges"][index], f"exchange {index + 1}"
    now = given["challengedAt"][index]
    challenge = bytes.fromhex(made["challenge"])
    assert challenge[:8] == now.to_bytes(8, "big"), "the challenge's time"
    assert challenge[8:16] == draws[f"challenge {index + 1}"], "the challenge's random bytes"
    ap_req, ap_rep = (bytes.fromhex(made[f"kerberos-ap-{which}-bin"]) for which in ("req", "rep"))
    part, found, binding = service.ap_req(ap_req, bytes.fromhex(given["request"]), now)
    assert binding.hex() == made["callBinding"], "binding"
    assert found[CHALLENGE] == challenge, "the challenge in the authenticator"
    assert part["nonce"] == draws[f"{name}: nonce"], "nonce"
    assert part["confounder"] == draws[f"{name}: AP-REQ's confounder"], "confounder"
    assert part["subkey"]["key"].hex() == made["clientSubkey"], "the client's subkey"
    assert part["subkey"]["key"] == draws[f"{name}: client subkey"], "the client's subkey, as drawn"
    repeated = service.repeated(found[REPEATS])
    if index == 0:
        first = blob(AP_REQ, bytes.fromhex(vector["firstContact"]["kerberos-ap-req-bin"]))
        cipher = blob(ENCRYPTED_DATA, first["authenticator"])["cipher"]
        tag = hashlib.sha256(given["service"].encode() + b"\0" + cipher).digest()[:16]
        assert repeated["tag"] == tag, "the tag of the first contact"
    else:
        assert repeated["session"].hex() == vector["exchanges"][0]["session"], "the session of what is repeated"

    place = made["apRepIn"]
    assert place == ("trailers" if made["status"]["code"] else "initial metadata"), "where the AP-REP is"
    answer, grant = open_ap_rep(service.session_key, part, ap_rep, place)
    assert answer["confounder"] == draws[f"{name}: AP-REP's confounder"], "the AP-REP's confounder"
    assert answer["subkey"]["key"].hex() == made["serviceSubkey"], "the service's subkey"
    assert answer["subkey"]["key"] == draws[f"{name}: service subkey"], "the service's subkey, as drawn"
    assert grant["id"] == draws[f"{name}: session id"] and grant["life"] == given["life"], "what is granted"
    keys = session_keys(part["subkey"]["key"], answer["subkey"]["key"], grant["id"], ap_req, ap_rep)
    assert {label: key.hex() for label, key in keys.items()} == made["keys"], "keys"
    assert len(set(keys.values())) == 6, "keys that are alike"
    service.sessions[grant["id"]] = keys
    reply = session_reply(grant["id"], 0, made["status"], made["responses"], False)
    assert reply.hex() == made["sessionReply"], "what the reply covers"
    proof = hmac_sha256(keys["reply"], reply)[:16]
    assert proof.hex() == made["kerberos-reply-bin"], "reply"


def session_call(vector, service, draws, vector_call):
    given, made = vector["input"], vector_call["output"]
    level, etype = vector_call["protection"], given["etype"]
    request = None if vector_call["requestStream"] else made["requests"][0]
    arrived = {"calls": [made["kerberos-call-bin"]], "request": request, "heldFor": vector_call["age"]}
    call, keys, binding = service.call(arrived)
    assert binding.hex() == made["sessionBinding"], "binding"
    assert call["number"] == vector_call["number"] and call["age"] == vector_call["age"], "number and age"
    assert (call["call"] or call["number"]) == vector_call["call"], "the call's first number"
    assert call["protection"] == LEVELS[level], "level"
    assert len(made["kerberos-call-bin"]) // 2 <= 48 or call["number"] > 2**28, "at most 64 characters of base64"

    status, numbers = vector_call["status"] if "status" in vector_call else None, {"service": call["call"] or call["number"]}
    numbers["client"] = call["number"]
    for to, what, message, stream in (
        ("service", "request", given["request"], vector_call["requestStream"]),
        ("client", "response", given["response"], vector_call["responseStream"]),
    ):
        messages = made[f"{what}s"]
        if not is_protected(level, stream):
            assert set(messages) <= {message}, what
            continue
        if status is None and what == "response":
            assert messages == [], "an answer to what was not answered"
            continue
        ends = stream and (what == "request" or status["code"] == 0)
        opened = open_messages(etype, keys, to, level, numbers[to], messages, ends)
        for i, (body, end, confounder) in enumerate(opened, 1):
            assert body.hex() == ("" if end else message), what
            assert end == (ends and i == len(opened)), "end marker"
            drawn = draws.get(f"call {numbers[to]}: {what} {i}: confounder")
            assert confounder == drawn, f"confounder of {what} {i}"
    if status is None:
        return
    stream = vector_call["responseStream"]
    # End markers are not counted.
    counted = made["responses"]
    if stream and status["code"] == 0 and is_protected(level, True):
        counted = counted[:-1]
    reply = session_reply(call["session"], call["number"], status, counted, stream)
    assert reply.hex() == made["sessionReply"], "what the reply covers"
    answer = {"status": status, "responses": counted, "responseStream": stream, "numbers": [call["number"]]}
    check_answer(call["session"], keys, {**answer, "replies": [made["kerberos-reply-bin"]]})
