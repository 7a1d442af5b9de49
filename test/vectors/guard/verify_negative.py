"""The vectors of negative.json: what must be refused, and why."""

from reading import *
from sessions import *
from verify_sessions import draws_of, exchange


def checks(negatives, sessions):
    for negative, vector in zip(negatives, sessions):
        receiver = Receiver(vector)
        for table in negative["tables"]:
            yield f"{negative['name']}, {table['what']}", lambda r=receiver, t=table: r.table(t)
        for kind in ("calls", "answers", "messages", "apReqs", "apReps"):
            for one in negative[kind]:
                check = lambda receive=getattr(receiver, kind), one=one: expect(lambda: receive(one), one["reason"])
                yield f"{negative['name']}, {kind}: {one['what']}", check


def reason_of(receive):
    try:
        receive()
        return "accepted"
    except Refused as refusal:
        return str(refusal)


def expect(receive, reason):
    got = reason_of(receive)
    assert got == reason, f"{got}, not {reason}"


class Receiver:
    """Both ends of a vector's first session."""

    def __init__(self, vector):
        self.given, self.exchange = vector["input"], vector["exchanges"][0]
        draws = draws_of(vector)
        self.service = Service(vector["input"], draws)
        for index in (0, 1):
            exchange(vector, self.service, draws, index)
        self.session = bytes.fromhex(self.exchange["session"])
        self.keys = self.service.sessions[self.session]
        self.outputs = {call["number"]: call["output"] for call in vector["calls"]}
        ap_req = bytes.fromhex(self.exchange["kerberos-ap-req-bin"])
        self.ap_req = blob(AP_REQ, ap_req)
        self.authenticator = unseal(self.service.session_key, 11, 2, self.ap_req["authenticator"], "authenticator")

    def calls(self, arrived):
        self.service.call({"heldFor": 12, **arrived})

    def answers(self, arrived):
        check_answer(self.session, self.keys, arrived)

    def messages(self, arrived):
        to, level, number = arrived["to"], arrived["protection"], arrived["number"]
        open_messages(self.given["etype"], self.keys, to, level, number, arrived["messages"], arrived["ends"])

    def apReqs(self, arrived):
        now = self.given["challengedAt"][0]
        self.service.ap_req(bytes.fromhex(arrived["apReq"]), bytes.fromhex(self.given["request"]), now)

    def apReps(self, arrived):
        open_ap_rep(self.service.session_key, self.authenticator, bytes.fromhex(arrived["apRep"]), arrived["place"])

    def table(self, table):
        """Every bit flipped, and every length shorter than its own."""
        receive, whole = self.tables()[table["what"]], bytes.fromhex(table["bytes"])
        expect(lambda: receive(whole), "accepted")
        flipped = [reason for reason, count in table["flipped"] for _ in range(count)]
        assert len(flipped) == len(whole) * 8, "every bit"
        for bit, reason in enumerate(flipped):
            altered = bytearray(whole)
            altered[bit // 8] ^= 1 << bit % 8
            expect(lambda: receive(bytes(altered)), reason)
        cut = [reason for reason, count in table["cut"] for _ in range(count)]
        assert len(cut) == len(whole), "every length"
        for length, reason in enumerate(cut):
            expect(lambda: receive(whole[:length]), reason)

    def tables(self):
        """How each blob is received, by its name in the file."""

        def call(number):
            request = self.outputs[number]["requests"][0]
            return lambda data: self.calls({"calls": [data.hex()], "request": request})

        def message(to, level, number):
            return lambda data: self.messages(
                {"to": to, "protection": level, "number": number, "messages": [data.hex()], "ends": False}
            )

        def reply(data):
            status, responses = {"code": 0, "message": "", "details": ""}, self.outputs[5]["responses"]
            rest = {"numbers": [5], "responseStream": False, "responses": responses, "status": status}
            self.answers({"replies": [data.hex()], **rest})

        def challenge(data):
            # As its service judges one whose authenticator is good.
            require(1 <= len(data) <= 64, "KRB_ERR_GENERIC")
            require(self.service.is_own(data, self.given["challengedAt"][0]), MORE)

        def authenticator(data):
            rest = (3, self.ap_req["protection"])
            self.apReqs({"apReq": encoded((1, self.ap_req["ticket"]), (2, data), rest).hex()})

        def ap_rep(data):
            self.apReps({"apRep": data.hex(), "place": "initial metadata"})

        return {
            "kerberos-call-bin of call 5": call(5),
            "kerberos-call-bin of call 18, a retry": call(18),
            "kerberos-reply-bin of call 5": reply,
            "the challenge, in an authenticator made for it": challenge,
            "ApReq.authenticator of exchange 1": authenticator,
            "kerberos-ap-rep-bin of exchange 1": ap_rep,
            "the first request of call 10": message("service", "integrity", 10),
            "the first response of call 10": message("client", "integrity", 10),
            "the first request of call 14": message("service", "privacy", 14),
            "the first response of call 14": message("client", "privacy", 14),
        }
