"""The vectors of renewals.json: a message that renews a stream, and what must be refused in its place."""

from datetime import datetime

from reading import *
from sessions import LEVELS, MAX_AP_REQ, call_binding, check_extensions, fields

RENEWS = 5
SKEW = 300_000


def checks(vectors):
    for vector in vectors:
        stream = Stream(vector["input"])
        yield vector["name"], lambda v=vector, s=stream: taken(v, s)
        for one in vector["refused"]:
            yield f"{vector['name']}: {one['what']}", lambda o=one, s=stream: refused(o, s)


def taken(vector, stream):
    made = vector["output"]
    ap_req, place = stream.open(bytes.fromhex(made["message"]))
    assert ap_req.hex() == made["apReq"], "AP-REQ"
    assert place.hex() == made["place"], "place"
    assert stream.binding().hex() == made["callBinding"], "binding"
    assert stream.renew(ap_req, place) == ms(vector["input"]["endtime"]), "the ticket's end"


def refused(one, stream):
    try:
        stream.renew(*stream.open(bytes.fromhex(one["message"])))
        got = "accepted"
    except Refused as refusal:
        got = str(refusal)
    assert got == one["reason"], f"{got}, not {one['reason']}"


def ms(text):
    """Milliseconds since the epoch."""
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


class Stream:
    """A stream of requests at its service, before the first of them."""

    def __init__(self, given):
        self.given, self.level, etype = given, given["protection"], given["etype"]
        self.service_key = Key(etype, bytes.fromhex(given["serviceKey"]))
        self.session = given.get("session")
        if self.session:
            self.key, self.next = Key(etype, bytes.fromhex(self.session["seal c"])), 1
        else:
            exchange = given["exchange"]
            self.key, self.next = Key(etype, bytes.fromhex(exchange["clientSubkey"])), exchange["clientSeqNumber"]

    def checksum(self, covered):
        if not self.session:
            return self.key.checksum(1026, covered)
        call = self.session["call"].to_bytes(8, "big")
        return hmac_sha256(bytes.fromhex(self.session["message c"]), call + covered)[:16]

    def open(self, message):
        """The AP-REQ of a renewal, and the place that its authenticator must hold."""
        if self.level == "privacy":
            forged = "KRB_AP_ERR_BAD_INTEGRITY"
            part = unseal(self.key, 1024, 28, message, forged, forged)
            require(part["call"] == (self.session["call"] if self.session else 0), "KRB_AP_ERR_MODIFIED")
            body = part["user_data"]
        else:
            size = 16 if self.session else self.key.mac_size
            covered = message[: -size - 2]
            require(self.checksum(covered) == message[-size:], "KRB_AP_ERR_MODIFIED")
            part = blob(PROTECTED_MESSAGE, message, "KRB_AP_ERR_MODIFIED")
            body = part["message"]
        require(part["seq_number"] == self.next, "KRB_AP_ERR_BADORDER")
        require(part["kind"] == RENEWAL, "KRB_AP_ERR_MODIFIED")
        return body, self.checksum(encoded((2, self.next), (3, RENEWAL)))

    def binding(self):
        host = self.given["service"].split("@")[0].split("/")[1]
        return call_binding(self.given["method"], host, LEVELS[self.level], b"")

    def renew(self, ap_req, place):
        """When the stream ends from now on, in milliseconds since the epoch."""
        require(len(ap_req) <= MAX_AP_REQ, "KRB_ERR_FIELD_TOOLONG")
        req = blob(AP_REQ, ap_req)
        require(req["protection"] == LEVELS[self.level], "KRB_AP_ERR_MODIFIED")
        ticket = blob(TICKET, req["ticket"])
        contents = fields(fields(self.service_key.decrypt(2, ticket["enc_part"]["cipher"])[1])[3])
        key, client = Key(self.given["etype"], fields(contents[2])[2]), contents[3].decode()
        assert key.bytes.hex() == self.given["sessionKey"], "session key"
        part = unseal(key, 11, 2, req["authenticator"], "KRB_AP_ERR_BAD_INTEGRITY")
        require(part["client"] == client, "KRB_AP_ERR_BADMATCH")
        require(client == self.given["client"], "KRB_AP_ERR_BADMATCH")
        require(contents[11].decode() == self.given["service"], "KRB_AP_ERR_BADMATCH")
        require(part["checksum"]["checksum"] == key.checksum(10, self.binding()), "KRB_AP_ERR_MODIFIED")
        found = check_extensions(part["extensions"], (RENEWS,))
        require(found.get(RENEWS) == place, "KRB_AP_ERR_MODIFIED")
        end = fields(contents[7])
        endtime = end[1] * 1000 + end.get(2, 0) // 1_000_000
        require(ms(self.given["now"]) - endtime <= SKEW, "KRB_AP_ERR_TKT_EXPIRED")
        require(part["subkey"] is None and part["seq_number"] == 0, "KRB_ERR_GENERIC")
        return endtime
