"""Calls of guarded services, each with a ticket on it (docs/guard.md): a channel for any stub.

    inner = grpc.secure_channel(address, grpc.local_channel_credentials())
    stub = OrderServiceStub(GuardedChannel(inner, client, ticket, authority=address, protection=PRIVACY))

The proof is made in call credentials, which gRPC asks once for each attempt: so a retry is no replay. gRPC
takes call credentials on a secure channel only: over TLS, or within one machine with
`grpc.local_channel_credentials()`, which needs no TLS at the server.

Every call goes one shot, by an AP exchange of its own. A service without a replay cache refuses it first, with
a challenge: then the call is made once more, with the challenge in its proof.
"""

import hashlib
import os
import threading
import time

import grpc

import messages as m
from client import Refusal, Untrusted, refusal
from encryption import key_of

AP_REQ, AP_REP = "kerberos-ap-req-bin", "kerberos-ap-rep-bin"
AUTHENTICATE, INTEGRITY, PRIVACY, CALL = 1, 2, 3, 4  # ProtectionLevel
CHALLENGE, REPEATS, TRAILERS_ONLY = 1, 2, 4  # ExtensionType
OF_APPLICATION, END = 0, 1  # MessageKind
MORE_REQUIRED = "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED"
MAX_CHALLENGE = 64
MAX_KEPT = 1 << 20  # bytes of requests that are kept, to make a call once more


class GuardedChannel(grpc.Channel):
    """Blocking calls over another channel, with a ticket.

    `authority` is what the service is called: the inner channel's target, unless told otherwise; of that the
    host counts. Calls raise Refusal for what the service refused, and Untrusted where it could not prove itself
    or a message is not the one it sent.
    """

    def __init__(self, channel, client, ticket, authority, protection=AUTHENTICATE):
        self._channel, self._client, self._ticket = channel, client, ticket
        self._host, self._protection = bound_host(authority), protection

    def unary_unary(self, method, request_serializer=None, response_deserializer=None, **_):
        return self._method("unary_unary", method, request_serializer, response_deserializer)

    def unary_stream(self, method, request_serializer=None, response_deserializer=None, **_):
        return self._method("unary_stream", method, request_serializer, response_deserializer)

    def stream_unary(self, method, request_serializer=None, response_deserializer=None, **_):
        return self._method("stream_unary", method, request_serializer, response_deserializer)

    def stream_stream(self, method, request_serializer=None, response_deserializer=None, **_):
        return self._method("stream_stream", method, request_serializer, response_deserializer)

    def _method(self, kind, method, serialize, deserialize):
        inner = getattr(self._channel, kind)(method)  # bytes to bytes
        serialize, deserialize = serialize or bytes, deserialize or bytes
        requests, responses = (word == "stream" for word in kind.split("_"))

        def begin(request, deadline, extensions):
            """Makes the call: what it is proven by, and what comes of it."""
            proof = _Proof(self, method, requests, responses, extensions)
            outgoing = proof.protect_all(request) if requests else proof.protect_single(request)
            timeout = None if deadline is None else max(0, deadline - time.monotonic())
            options = {"timeout": timeout, "credentials": grpc.metadata_call_credentials(proof)}
            return proof, (inner if responses else inner.future)(outgoing, **options)

        def opened(proof, under_way):
            """The responses, one after the other."""
            try:
                if responses:
                    yield from proof.open_all(under_way)
                else:
                    data = under_way.result()
                    proof.check_reply(under_way.initial_metadata())
                    yield proof.open_single(data)
            except grpc.RpcError as error:
                raise refusal(error) from None

        def answers(begun, request, deadline):
            """The responses; where the call is refused for want of a challenge, those of the next."""
            try:
                yield from opened(*begun)
                return
            except Refusal as refused:
                if refused.reason != MORE_REQUIRED or not (request.are_kept if requests else True):
                    raise
                extensions = answer_to(refused, begun[0])
            yield from opened(*begin(request, deadline, extensions))

        def call(request, timeout=None):
            deadline = None if timeout is None else time.monotonic() + timeout
            outgoing = _Requests(map(serialize, request)) if requests else serialize(request)
            received = map(deserialize, answers(begin(outgoing, deadline, {}), outgoing, deadline))
            return received if responses else next(received)

        return call

    def subscribe(self, callback, try_to_connect=False):
        self._channel.subscribe(callback, try_to_connect)

    def unsubscribe(self, callback):
        self._channel.unsubscribe(callback)

    def close(self):
        self._channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def bound_host(authority):
    """The host that a proof is bound to: in lower case, without a port or brackets; of a Unix socket localhost."""
    if not authority or authority.startswith("/") or "%2f" in authority.lower():
        return "localhost"
    if authority.startswith("["):
        return authority[1 : authority.index("]")].lower()
    host, colon, _ = authority.partition(":")
    # Several colons: a bare IPv6 address.
    return (authority if colon and authority.count(":") > 1 else host).lower()


def answer_to(refused, proof):
    """The extensions of the proof that answers a refusal: its challenge, if any, and what was refused."""
    if len(refused.challenge) > MAX_CHALLENGE or proof.is_proven:
        raise refused
    repeated = m.canonical_bytes(m.kerberos("RepeatedAttempt")(tag=proof.tag))
    return {CHALLENGE: refused.challenge, REPEATS: repeated} if refused.challenge else {REPEATS: repeated}


class _Requests:
    """The requests of a stream. They can be gone through once more as long as there are not too many."""

    def __init__(self, source):
        self._source, self._kept, self._size = source, [], 0
        self.are_kept = True
        self._lock = threading.Lock()

    def __iter__(self):
        # gRPC may still be at the first time through, in a thread of its own, when the second begins.
        at = 0
        while True:
            with self._lock:
                if at < len(self._kept):
                    message = self._kept[at]
                else:
                    try:
                        message = next(self._source)
                    except StopIteration:
                        return
                    self._keep(message)
            at += 1
            yield message

    def _keep(self, message):
        self._size += len(message)
        if self._size > MAX_KEPT:
            self.are_kept, self._kept = False, []
        if self.are_kept:
            self._kept.append(message)


class _Proof(grpc.AuthMetadataPlugin):
    """One call: its AP-REQs, one an attempt, the check of the AP-REP, and its messages."""

    def __init__(self, channel, method, stream_of_requests, stream_of_responses, extensions):
        self._client, self._ticket = channel._client, channel._ticket
        level = channel._protection
        self._sealed = level == PRIVACY
        self._requests_protected = _is_protected(level, stream_of_requests)
        self._responses_protected = _is_protected(level, stream_of_responses)
        self._fresh = {}
        if extensions:
            self._fresh["extensions"] = [
                {"type": kind, "critical": True, "data": data} for kind, data in extensions.items()
            ]
        self._binding = m.kerberos("CallBinding")(method=method, authority=channel._host, protection=level)
        self._made = {}
        self.is_proven = False  # the service has proved itself: it took the call
        self._agrees = self._requests_protected or self._responses_protected
        if self._agrees:
            # Of the call, not of the attempt: every attempt sends the same messages.
            self._subkey = type(self._ticket.key).random(self._ticket.key.etype)
            self._next = int.from_bytes(os.urandom(4), "big") >> 2 | 1
            key = {"etype": self._subkey.etype, "key": self._subkey.bytes}
            self._fresh.update(subkey=key, seq_number=self._next)

    def __call__(self, _context, callback):
        """Makes an attempt's AP-REQ."""
        try:
            authenticator, made = self._client.authenticator(
                self._ticket, 11, 10, m.canonical_bytes(self._binding), **self._fresh
            )
            self._made[made.nonce] = made
            self._last = authenticator
            ap_req = m.kerberos("ApReq")(
                ticket=self._ticket.ticket, authenticator=authenticator, protection=self._binding.protection
            )
            callback(((AP_REQ, m.canonical_bytes(ap_req)),), None)
        except Exception as error:
            callback((), error)

    @property
    def tag(self):
        """By what a call that repeats the last attempt names it."""
        cipher = m.EncryptedData.FromString(self._last).cipher
        return hashlib.sha256(self._ticket.server.encode() + b"\0" + cipher).digest()[:16]

    def check_reply(self, initial, trailing=()):
        """Has the service prove itself; its nonce tells which attempt it answered.

        In trailers, of an answer without initial metadata, the proof is marked as made for them.
        """
        try:
            places = ((False, initial or ()), (True, trailing or ()))
            found = [(late, value) for late, metadata in places for key, value in metadata if key == AP_REP]
            ((late, reply),) = found
            part = m.unseal(self._ticket.key, 12, "enc_ap_rep_part", reply, known=(TRAILERS_ONLY,))
            if late != any(extension.type == TRAILERS_ONLY for extension in part.extensions):
                raise ValueError("made for another place")
            if part.ctime != self._made[part.nonce].ctime:
                raise ValueError("not its time")
            if self._agrees != part.HasField("subkey") or (not self._agrees and part.seq_number):
                raise ValueError("a subkey where none is due, or none where one is")
            if self._agrees:
                self._reply_key, self._expected = key_of(part.subkey), part.seq_number
                if self._reply_key.etype != self._ticket.key.etype:
                    raise ValueError("a subkey of another encryption type")
            self.is_proven = True
        except (ValueError, KeyError) as error:
            raise Untrusted("the service could not prove itself") from error

    def protect_single(self, message):
        """The one request as it travels; the AP-REQ is bound to it."""
        outgoing = self._protect(message) if self._requests_protected else message
        self._binding.request_sha256 = hashlib.sha256(outgoing).digest()
        return outgoing

    def protect_all(self, messages):
        if not self._requests_protected:
            yield from messages
            return
        for message in messages:
            yield self._protect(message)
        yield self._protect(b"", end=True)

    def open_single(self, data):
        if not self._responses_protected:
            return data
        message, end = self._open(data)
        if end:
            raise Untrusted("an end marker, though this is no stream")
        return message

    def open_all(self, call):
        """The responses of a stream, once the service has proved itself, up to its end marker."""
        ended = False
        for data in call:
            if not self.is_proven:
                self.check_reply(call.initial_metadata())
            if ended:
                raise Untrusted("a message after the end of the stream")
            if not self._responses_protected:
                yield data
                continue
            message, ended = self._open(data)
            if not ended:
                yield message
        if not self.is_proven:
            self.check_reply(call.initial_metadata(), call.trailing_metadata())
        if self._responses_protected and not ended:
            raise Untrusted("the stream was cut short")

    def _protect(self, message, end=False):
        kind = END if end else OF_APPLICATION
        number, self._next = self._next, (self._next + 1) % 2**32
        if self._sealed:
            part = m.kerberos("EncPrivPart")(user_data=message, seq_number=number, kind=kind)
            return m.seal(self._subkey, 1024, "enc_request_part", part)
        protected = m.kerberos("ProtectedMessage")(message=message, seq_number=number, kind=kind)
        protected.checksum = self._subkey.checksum(1026, m.canonical_bytes(protected))
        return m.canonical_bytes(protected)

    def _open(self, data):
        """A message and whether it is the end marker. Raises Untrusted unless it is the next one."""
        key = self._reply_key
        try:
            if self._sealed:
                opened = m.unseal(key, 1025, "enc_response_part", data)
                message = opened.user_data
                if opened.call:
                    raise ValueError("made for a call under a session")
            else:
                # The checksum is the last field: a tag, a length, its bytes.
                covered = data[: -key.checksum_size - 2]
                if not key.verifies(1027, covered, data[-key.checksum_size :]):
                    raise ValueError("altered")
                opened = m.read_canonical(m.kerberos("ProtectedMessage"), data)
                message = opened.message
        except ValueError as error:
            raise Untrusted(f"a message is not the one that the service sent: {error}") from error
        if opened.kind not in (OF_APPLICATION, END) or (opened.kind == END and message):
            raise Untrusted("a message is of a kind that services do not send")
        if opened.seq_number != self._expected:
            raise Untrusted("a message is missing, repeated or out of order")
        self._expected = (self._expected + 1) % 2**32
        return message, opened.kind == END


def _is_protected(level, stream):
    return level in (INTEGRITY, PRIVACY) or (stream and level == AUTHENTICATE)
