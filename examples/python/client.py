"""A client of AS, TGS and V: from a password to a sealed call (docs/protocol.md, sections 1 to 6)."""

import dataclasses
import os
import re
import time
import unicodedata

import grpc

import messages as m
from encryption import ENCRYPTION_TYPES, key_of

ENC_TIMESTAMP = 2  # PA_DATA_TYPE_ENC_TIMESTAMP
LEAST_ITERATIONS, MOST_ITERATIONS = 32_768, 10_000_000
MAX_TRIES = 3  # the guess, the KDC's advice, and once more with the KDC's clock
RENEWABLE, INITIAL, PRE_AUTHENT = 8, 9, 10
NEVER_ASKED = {1, 2, 3, 4, 5, 6, 7}  # flags that this client never asks for, INVALID among them


class Refusal(Exception):
    """What a server refused, or an operation of V: the reason by RFC 4120's name, and what was compared."""

    def __init__(self, code, text, reason="", details=None, etype_info=None, challenge=b""):
        super().__init__(f"{reason or code}: {text}")
        self.code, self.text, self.reason = code, text, reason
        self.details, self.etype_info, self.challenge = details or {}, etype_info, challenge


class Untrusted(Exception):
    """A reply that does not answer the request, or does not come from whom it should."""


@dataclasses.dataclass
class Credentials:
    """A ticket and what its holder knows of it. Times are milliseconds since the epoch."""

    client: str
    server: str
    key: object
    ticket: bytes
    flags: list
    endtime: int


@dataclasses.dataclass
class Guess:
    """How the client's long-term key is made from its password."""

    etype: int
    salt: str
    params: bytes = b""


class Client:
    """One principal's client. `clock` gives milliseconds since the epoch."""

    def __init__(self, as_address, tgs_address, etypes=(20, 19), clock=lambda: time.time_ns() // 1_000_000):
        self._channels = {name: grpc.insecure_channel(name) for name in {as_address, tgs_address}}
        self._as, self._tgs = as_address, tgs_address
        self._etypes, self._clock = list(etypes), clock
        self._kdc_offset = 0
        self.requests = 0

    def close(self):
        for channel in self._channels.values():
            channel.close()

    def _now(self):
        """The KDC's time, as far as the login measured it."""
        return self._clock() + self._kdc_offset

    def login(self, principal, password):
        """Gets a ticket-granting ticket with a password: in its normal form, and if that fails, as typed."""
        text, *as_typed = password_forms(password)
        components, realm = principal.split("@")
        guess = Guess(self._etypes[0], realm + components.replace("/", ""))
        offset = 0
        tries = MAX_TRIES + len(as_typed)
        for attempt in range(1, tries + 1):
            key = ENCRYPTION_TYPES[guess.etype].from_password(guess.etype, text, guess.salt, guess.params)
            request = self._as_request(principal, key, self._clock() + offset)
            try:
                response = self._call(
                    self._as, "AuthenticationService/Authenticate", request, m.AuthenticateResponse
                )
            except Refusal as refused:
                advice = self._advice(refused.etype_info)
                if attempt == tries:
                    raise
                if refused.reason == "KRB_AP_ERR_SKEW" and "offset_ms" in refused.details and offset == 0:
                    offset = -int(refused.details["offset_ms"])
                elif advice is not None and advice != guess:
                    guess = advice
                elif refused.reason == "KDC_ERR_PREAUTH_FAILED" and as_typed:
                    text = as_typed.pop()
                else:
                    raise
                continue
            return self._open_as_reply(response, request, key)

    def _as_request(self, client, key, now):
        request = m.AuthenticateRequest(client=client, nonce=os.urandom(16), etypes=self._etypes)
        proof = m.kerberos("PaEncTimestamp")(patimestamp=m.timestamp(now), nonce=request.nonce)
        request.padata.add(type=ENC_TIMESTAMP, value=m.seal(key, 1, "enc_timestamp", proof))
        return request

    def _advice(self, info):
        """The first type of our own list that the KDC names. Not authenticated: within our limits only."""
        if info is None:
            return None
        offered = {entry.etype: entry for entry in reversed(info.entries)}
        etype = next((etype for etype in self._etypes if etype in offered), None)
        if etype is None:
            raise Untrusted("the KDC offers no encryption type that this client accepts")
        entry = offered[etype]
        if etype in (19, 20) and entry.s2kparams:
            iterations = int.from_bytes(entry.s2kparams, "big")
            if len(entry.s2kparams) != 4 or not LEAST_ITERATIONS <= iterations <= MOST_ITERATIONS:
                raise Untrusted(f"the KDC asks for {iterations} iterations")
        return Guess(etype, entry.salt, entry.s2kparams)

    def _open_as_reply(self, response, request, key):
        part = _open(key, 3, "enc_as_rep_part", response.enc_part)
        realm = request.client.split("@")[1]
        tgs = f"krbtgt/{realm}@{realm}"
        credentials = self._read_reply(part, response, request, request.client, tgs)
        if not {INITIAL, PRE_AUTHENT} <= set(part.flags):
            raise Untrusted("flags")
        self._kdc_offset = m.milliseconds(part.kdc_time) - self._clock()
        return credentials

    def ticket(self, tgt, service):
        """Gets a ticket for a service with a ticket-granting ticket."""
        body = m.KdcReqBody(server=service, nonce=os.urandom(16), etypes=self._etypes)
        request = m.GrantTicketRequest(ticket=tgt.ticket, body=m.canonical_bytes(body))
        request.authenticator, _ = self.authenticator(tgt, 7, 6, request.body)
        response = self._call(self._tgs, "TicketGrantingService/GrantTicket", request, m.GrantTicketResponse)
        return self._open_tgs_reply(response, body, tgt)

    def _open_tgs_reply(self, response, body, tgt):
        part = _open(tgt.key, 8, "enc_tgs_rep_part", response.enc_part)
        return self._read_reply(part, response, body, tgt.client, body.server)

    def authenticator(self, credentials, usage, checksum_usage, covered, **fresh):
        """A serialized authenticator over bytes as they will travel, and the authenticator itself."""
        key = credentials.key
        checksum = {"type": key.checksum_type, "checksum": key.checksum(checksum_usage, covered)}
        authenticator = m.kerberos("Authenticator")(
            client=credentials.client,
            ctime=m.timestamp(self._now()),
            checksum=checksum,
            nonce=os.urandom(16),
            **fresh,
        )
        return m.seal(key, usage, "authenticator", authenticator), authenticator

    def _read_reply(self, part, response, asked, client, server):
        """Compares a KDC's reply with what was asked, and takes the credentials from it."""
        expected = (asked.nonce, client, server, list(asked.etypes))
        if (part.nonce, part.client, part.server, list(part.etypes)) != expected:
            raise Untrusted("the reply does not answer the request")
        if not all(part.HasField(name) for name in ("authtime", "starttime", "endtime", "kdc_time")):
            raise Untrusted("times")
        authtime, starttime, endtime = map(m.milliseconds, (part.authtime, part.starttime, part.endtime))
        if not authtime <= starttime < endtime:
            raise Untrusted("times")
        flags = list(part.flags)
        if flags != sorted(set(flags)) or NEVER_ASKED & set(flags):
            raise Untrusted("flags")
        if RENEWABLE in flags or part.HasField("renew_till"):
            raise Untrusted("renew_till")  # this client never asks
        if asked.HasField("till") and endtime > m.milliseconds(asked.till):
            raise Untrusted("endtime")
        if part.key.etype not in self._etypes or not response.ticket:
            raise Untrusted("session key")
        return Credentials(client, server, key_of(part.key), response.ticket, flags, endtime)

    def access(self, credentials, address, operation):
        """Calls an operation of V under seal: takes its request message, returns its response message."""
        subkey = type(credentials.key).random(credentials.key.etype)
        number = int.from_bytes(os.urandom(4), "big") >> 2 | 1
        name = operation.DESCRIPTOR.full_name
        packed = m.Any(type_url=f"type.googleapis.com/{name}", value=operation.SerializeToString())
        data = m.kerberos("EncPrivPart")(user_data=packed.SerializeToString(), seq_number=number)
        request = m.AccessRequest(ticket=credentials.ticket)
        request.request = m.seal(subkey, 1024, "enc_request_part", data)
        fresh = {"subkey": {"etype": subkey.etype, "key": subkey.bytes}, "seq_number": number}
        request.authenticator, sent = self.authenticator(credentials, 11, 10, request.request, **fresh)
        if address not in self._channels:
            self._channels[address] = grpc.insecure_channel(address)
        response = self._call(address, "ApplicationService/Access", request, m.AccessResponse)

        return self._open_access_reply(response, credentials, sent, name.replace("Request", "Response"))

    @staticmethod
    def _open_access_reply(response, credentials, sent, expected):
        """Has V prove itself, and opens its answer."""
        key = credentials.key
        proof = _open(key, 12, "enc_ap_rep_part", response.ap_rep)
        if (proof.ctime, proof.nonce, proof.subkey.etype) != (sent.ctime, sent.nonce, key.etype):
            raise Untrusted("the service could not prove itself")
        answer = _open(key_of(proof.subkey), 1025, "enc_response_part", response.response)
        if answer.seq_number != proof.seq_number or answer.kind:
            raise Untrusted("sequence number")
        return _read_answer(answer.user_data, expected)

    def _call(self, address, method, request, response_type):
        self.requests += 1
        call = self._channels[address].unary_unary(
            f"/kerberos.v1.{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response_type.FromString,
        )
        try:
            return call(request, timeout=10)
        except grpc.RpcError as error:
            raise refusal(error) from None


def password_forms(password):
    """The one or two texts that a login tries: of RFC 8265's OpaqueString, and as typed if that differs."""
    spaces = re.sub(r"\s", lambda space: " " if unicodedata.category(space[0]) == "Zs" else space[0], password)
    return list(dict.fromkeys([unicodedata.normalize("NFC", spaces), password]))


def _open(key, usage, kind, data):
    try:
        return m.unseal(key, usage, kind, data)
    except ValueError as error:
        raise Untrusted(f"{kind}: {error}") from error


def refusal(error):
    """A failed call as what the server said of it."""
    trailers = dict(error.trailing_metadata() or ())
    found = {"reason": "", "details": {}, "etype_info": None, "challenge": b""}
    for part in m.Status.FromString(trailers.get("grpc-status-details-bin", b"")).details:
        kind = part.type_url.rsplit("/", 1)[-1]
        if kind == "google.rpc.ErrorInfo":
            info = m.ErrorInfo.FromString(part.value)
            found.update(reason=info.reason, details=dict(info.metadata))
        elif kind == "kerberos.v1.EtypeInfo2":
            found["etype_info"] = m.EtypeInfo2.FromString(part.value)
        elif kind == "kerberos.v1.GuardChallenge":
            found["challenge"] = m.kerberos("GuardChallenge").FromString(part.value).challenge
    return Refusal(error.code().name, error.details(), **found)


def _read_answer(data, expected):
    """V's answer: the operation's response, or a google.rpc.Status in its place."""
    answer = m.Any.FromString(data)
    kind = answer.type_url.rsplit("/", 1)[-1]
    if kind == "google.rpc.Status":
        status = m.Status.FromString(answer.value)
        code = next(code.name for code in grpc.StatusCode if code.value[0] == status.code)
        raise Refusal(code, status.message)
    if kind != expected:
        raise Untrusted(f"the service answered with {kind}")
    return m.message_class(expected).FromString(answer.value)
