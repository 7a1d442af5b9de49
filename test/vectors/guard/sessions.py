"""The receivers of sessions, service and client, from docs/guard.md alone. Each raises Refused with its reason."""

import hashlib
import hmac

from reading import *

LEVELS = {"authenticate": 1, "integrity": 2, "privacy": 3, "call": 4}
MORE = "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED"
CHALLENGE, REPEATS, SESSION, TRAILERS_ONLY = 1, 2, 3, 4
LABELS = ["call", "reply", "message c", "message s", "seal c", "seal s"]
MAX_NUMBER = 2**53 - 1
MAX_AP_REQ = 4096


def is_protected(level, stream):
    return level in ("integrity", "privacy") or (stream and level == "authenticate")


def session_keys(client_subkey, service_subkey, session, ap_req, ap_rep):
    """The six keys of a session, by label."""
    exchange = hashlib.sha256(ap_req).digest() + hashlib.sha256(ap_rep).digest()
    secret = client_subkey + service_subkey
    return {
        label: hkdf_sha256(
            secret,
            session,
            b"tessera guard session v1\0" + label.encode() + b"\0" + exchange,
            len(client_subkey) if label.startswith("seal") else 32,
        )
        for label in LABELS
    }


def check_extensions(extensions, known):
    """Passes over what is not known. What there is, by type."""
    last = None
    for extension in extensions:
        require(extension["type"] != 0, "KRB_ERR_GENERIC")
        require(last is None or extension["type"] > last, "KRB_ERR_GENERIC")
        last = extension["type"]
        require(not extension["critical"] or last in known, "KDC_ERR_POLICY")
    return {extension["type"]: extension["data"] for extension in extensions if extension["type"] in known}


def call_binding(method, host, level, request_sha256, extensions=b""):
    fields = ((1, method.encode()), (2, host.encode()), (3, level), (4, request_sha256))
    return encoded(*fields) + extensions


class Service:
    """A service with its key, and the secret of its challenges."""

    def __init__(self, given, draws):
        self.given = given
        self.principal = given["service"]
        self.host = self.principal.split("@")[0].split("/")[1]
        self.key = Key(given["etype"], bytes.fromhex(given["serviceKey"]))
        self.session_key = Key(given["etype"], bytes.fromhex(given["sessionKey"]))
        self.secret = draws["secret of challenges"]
        self.sessions = {}

    def is_own(self, challenge, now):
        """Whether a challenge is this process's, and at most a minute old."""
        head, proof = challenge[:16], challenge[16:]
        age = now - int.from_bytes(head[:8], "big")
        return len(challenge) == 48 and hmac_sha256(self.secret, head) == proof and 0 <= age <= 60_000

    def open_ticket(self, data):
        """The session key in a ticket. (What else is wrong with tickets is not the matter of these vectors.)"""
        ticket = blob(TICKET, data)
        require(ticket["server"] == self.principal, "KRB_AP_ERR_NOT_US")
        _, plain = self.key.decrypt(2, ticket["enc_part"]["cipher"])
        part = fields(fields(plain)[3])
        require(part[11].decode() == self.principal, "KRB_AP_ERR_NOT_US")
        return Key(self.given["etype"], fields(part[2])[2]), part[3].decode()

    def ap_req(self, data, request, now):
        """An AP-REQ of the unary call, which protects no message. The authenticator and its extensions."""
        require(len(data) <= MAX_AP_REQ, "KRB_ERR_FIELD_TOOLONG")
        req = blob(AP_REQ, data)
        require(req["protection"] in LEVELS.values(), "KRB_ERR_GENERIC")
        check_extensions(req["extensions"], ())
        key, client = self.open_ticket(req["ticket"])
        part = unseal(key, 11, 2, req["authenticator"], "KRB_AP_ERR_BAD_INTEGRITY")
        require(part["client"] == client, "KRB_AP_ERR_BADMATCH")
        outside = b"".join(
            encoded((5, encoded((1, one["type"]), (2, int(one["critical"])), (3, one["data"]))))
            for one in req["extensions"]
        )
        digest = hashlib.sha256(request).digest()
        binding = call_binding(self.given["method"], self.host, req["protection"], digest, outside)
        require(part["checksum"] is not None and part["checksum"]["type"] == key.etype, "KRB_AP_ERR_INAPP_CKSUM")
        require(part["checksum"]["checksum"] == key.checksum(10, binding), "KRB_AP_ERR_MODIFIED")
        found = check_extensions(part["extensions"], (CHALLENGE, REPEATS, SESSION))
        require(part["ctime"] is not None and 12 <= len(part["nonce"]) <= 64, "KRB_ERR_GENERIC")
        challenge = found.get(CHALLENGE)
        require(challenge is None or 1 <= len(challenge) <= 64, "KRB_ERR_GENERIC")
        if REPEATS in found:
            self.repeated(found[REPEATS])
        require(found.get(SESSION, b"") == b"", "KRB_ERR_GENERIC")
        require(challenge is not None and self.is_own(challenge, now), MORE)
        require((part["subkey"] is not None) == (SESSION in found), "KRB_ERR_GENERIC")
        require(part["seq_number"] == 0, "KRB_ERR_GENERIC")
        return part, found, binding

    def repeated(self, data):
        """The attempt that another repeats."""
        named = blob(REPEATED_ATTEMPT, data)
        session, number, tag = named["session"], named["number"], named["tag"]
        by_tag = len(tag) == 16 and not session and number == 0
        by_number = not tag and len(session) == 16 and 1 <= number <= MAX_NUMBER
        require(by_tag or by_number, "KRB_ERR_GENERIC")
        return named

    def call(self, arrived):
        """A call under a session, as it arrives. What it says, and the keys of its session."""
        calls, ap_reqs = arrived["calls"], arrived.get("apReqs", [])
        require(calls or ap_reqs, "KDC_ERR_PREAUTH_REQUIRED")
        require(len(calls) == 1 and not ap_reqs, "KRB_ERR_GENERIC")
        data = bytes.fromhex(calls[0])
        require(len(data) <= 80, "KRB_ERR_GENERIC")
        call = blob(SESSION_CALL, data)
        require(len(call["session"]) == 16 and len(call["mac"]) == 16, "KRB_ERR_GENERIC")
        require(1 <= call["number"] <= MAX_NUMBER, "KRB_ERR_GENERIC")
        first = call["call"] or call["number"]
        require(call["call"] == 0 or 1 <= first < call["number"], "KRB_ERR_GENERIC")
        require(call["protection"] in LEVELS.values(), "KRB_ERR_GENERIC")
        require(call["session"] in self.sessions, MORE)
        keys = self.sessions[call["session"]]
        binding = self.session_binding(call, first, arrived)
        require(hmac.compare_digest(hmac_sha256(keys["call"], binding)[:16], call["mac"]), "KRB_AP_ERR_MODIFIED")
        require(is_new(call["number"], arrived.get("came", [])), "KRB_AP_ERR_REPEAT")
        require(arrived.get("heldFor", call["age"]) - call["age"] <= 60, MORE)
        order = ["call", "authenticate", "integrity", "privacy"]
        level = next(name for name, number in LEVELS.items() if number == call["protection"])
        require(order.index(level) >= order.index(arrived.get("floor", "call")), "KDC_ERR_POLICY")
        return call, keys, binding

    def session_binding(self, call, first, arrived):
        request = arrived.get("request")
        digest = b"" if request is None else hashlib.sha256(bytes.fromhex(request)).digest()
        method = arrived.get("method", self.given["method"])
        return encoded(
            (1, call["session"]),
            (2, call["number"]),
            (3, first),
            (4, method.encode()),
            # Over the service's own name alone, whatever the call's authority says.
            (5, self.host.encode()),
            (6, call["protection"]),
            (7, call["age"]),
            (8, digest),
        )


def is_new(number, came):
    """Whether a number has not come, and is still waited for: 1,024 of the missing are."""
    highest, missing = 0, set()
    for one in [*came, number]:
        new = one > highest or one in missing
        missing |= set(range(max(highest + 1, one - 1024), one))
        missing -= {one}
        highest = max(highest, one)
        missing = set(sorted(missing)[-1024:])
    return new


def session_reply(session, number, status, responses, stream):
    digest = b"" if stream or not responses else hashlib.sha256(bytes.fromhex(responses[0])).digest()
    return encoded(
        (1, session),
        (2, number),
        (3, status["code"]),
        (4, status["message"].encode()),
        (5, bytes.fromhex(status["details"])),
        (6, digest),
        (7, len(responses) if stream else 0),
    )


def check_answer(session, keys, arrived):
    """The client's check of an answer: one proof, for one of the attempts it sent."""
    proofs = [bytes.fromhex(reply) for reply in arrived["replies"]]
    covered = [
        session_reply(session, number, arrived["status"], arrived["responses"], arrived["responseStream"])
        for number in arrived["numbers"]
    ]
    good = [hmac_sha256(keys["reply"], one)[:16] for one in covered]
    require(len(proofs) == 1 and proofs[0] in good, "KRB_AP_ERR_MUT_FAIL")


def open_ap_rep(session_key, authenticator, data, place):
    """The client's check of an AP-REP that may grant a session, where no message is protected."""
    part = unseal(session_key, 12, 27, data, "KRB_AP_ERR_MUT_FAIL", "KRB_AP_ERR_MUT_FAIL")
    answers = part["ctime"] == authenticator["ctime"] and part["nonce"] == authenticator["nonce"]
    require(answers, "KRB_AP_ERR_MUT_FAIL")
    found = check_extensions(part["extensions"], (SESSION, TRAILERS_ONLY))
    grant = None
    if SESSION in found:
        grant = blob(SESSION_GRANT, found[SESSION])
        require(len(grant["id"]) == 16 and grant["life"] > 0, "KRB_ERR_GENERIC")
    require((TRAILERS_ONLY in found) == (place == "trailers"), "KRB_AP_ERR_MUT_FAIL")
    require((part["subkey"] is not None) == (grant is not None), "KRB_AP_ERR_MUT_FAIL")
    require(part["seq_number"] == 0, "KRB_AP_ERR_MUT_FAIL")
    return part, grant


def open_messages(etype, keys, to, level, number, messages, ends):
    """The messages of a direction, one after the other: bytes, whether they end the stream, and confounders."""
    sender, usage, kind = ("c", 1024, 28) if to == "service" else ("s", 1025, 29)
    opened, ended = [], False
    for seq, message in enumerate((bytes.fromhex(one) for one in messages), 1):
        require(not ended, "KRB_AP_ERR_MODIFIED")
        if level == "privacy":
            forged = "KRB_AP_ERR_BAD_INTEGRITY"
            part = unseal(Key(etype, keys[f"seal {sender}"]), usage, kind, message, forged, forged)
            require(part["call"] == number, "KRB_AP_ERR_MODIFIED")
            part["message"] = part["user_data"]
        else:
            covered, tag, checksum = message[:-18], message[-18:-16], message[-16:]
            mac = hmac_sha256(keys[f"message {sender}"], number.to_bytes(8, "big") + covered)[:16]
            require(tag == b"\x22\x10" and hmac.compare_digest(mac, checksum), "KRB_AP_ERR_MODIFIED")
            part = blob(PROTECTED_MESSAGE, message, "KRB_AP_ERR_MODIFIED")
        require(part["seq_number"] == seq, "KRB_AP_ERR_BADORDER")
        ended = part["kind"] == END
        require(ended or part["kind"] == OF_APPLICATION, "KRB_AP_ERR_MODIFIED")
        require(not (ended and part["message"]), "KRB_AP_ERR_MODIFIED")
        opened.append((part["message"], ended, part.get("confounder")))
    require(ended or not ends, "KRB_AP_ERR_MODIFIED")
    return opened


def fields(data):
    """The fields of a message that nobody checks the form of, by number."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at : at + value], at + value
        found[tag >> 3] = value
    return found
