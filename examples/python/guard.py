"""Calls of guarded services, each with a ticket on it (docs/guard.md): a channel for any stub.

    inner = grpc.secure_channel(address, grpc.local_channel_credentials())
    stub = OrderServiceStub(GuardedChannel(inner, client, ticket, authority=address, protection=PRIVACY))

The proof is made in call credentials, which gRPC asks once for each attempt: so a retry is no replay. gRPC
takes call credentials on a secure channel only: over TLS, or within one machine with
`grpc.local_channel_credentials()`, which needs no TLS at the server.
"""

import hashlib
import os

import grpc

import messages as m
from client import Untrusted, refusal
from encryption import key_of

AP_REQ, AP_REP = "kerberos-ap-req-bin", "kerberos-ap-rep-bin"
AUTHENTICATE, INTEGRITY, PRIVACY = 1, 2, 3  # ProtectionLevel


class GuardedChannel(grpc.Channel):
    """Blocking calls over another channel, with a ticket.

    `authority` is the channel's `:authority` as the service receives it: what the inner channel was given as
    its target, unless told otherwise. Calls raise Refusal for what the service refused, and Untrusted where
    it could not prove itself or a message is not the one it sent.
    """

    def __init__(self, channel, client, ticket, authority, protection=AUTHENTICATE):
        self._channel, self._client, self._ticket = channel, client, ticket
        self._authority, self._protection = authority, protection

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

        def call(request, timeout=None):
            proof = _Proof(self, method, requests, responses)
            if requests:
                outgoing = proof.protect_all(map(serialize, request))
            else:
                outgoing = proof.protect_single(serialize(request))
            options = {"timeout": timeout, "credentials": grpc.metadata_call_credentials(proof)}
            if responses:
                return map(deserialize, proof.open_all(inner(outgoing, **options)))
            try:
                data, ended = inner.with_call(outgoing, **options)
            except grpc.RpcError as error:
                raise refusal(error) from None
            proof.check_reply(ended.initial_metadata())
            return deserialize(proof.open_single(data))

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


class _Proof(grpc.AuthMetadataPlugin):
    """One call: its AP-REQs, one an attempt, the check of the AP-REP, and its messages."""

    def __init__(self, channel, method, stream_of_requests, stream_of_responses):
        self._client, self._ticket = channel._client, channel._ticket
        level = channel._protection
        self._sealed = level == PRIVACY
        self._requests_protected = stream_of_requests or level != AUTHENTICATE
        self._responses_protected = stream_of_responses or level != AUTHENTICATE
        self._fresh = {}
        self._binding = m.kerberos("CallBinding")(
            method=method, authority=channel._authority, protection=level
        )
        self._made = {}
        if self._requests_protected or self._responses_protected:
            # Of the call, not of the attempt: every attempt sends the same messages.
            self._subkey = type(self._ticket.key).random(self._ticket.key.etype)
            self._next = int.from_bytes(os.urandom(4), "big") >> 2 | 1
            key = {"etype": self._subkey.etype, "key": self._subkey.bytes}
            self._fresh = {"subkey": key, "seq_number": self._next}

    def __call__(self, _context, callback):
        """Makes an attempt's AP-REQ."""
        try:
            authenticator, made = self._client.authenticator(
                self._ticket, 11, 10, m.canonical_bytes(self._binding), **self._fresh
            )
            self._made[made.nonce] = made
            ap_req = m.kerberos("ApReq")(
                ticket=self._ticket.ticket, authenticator=authenticator, protection=self._binding.protection
            )
            callback(((AP_REQ, m.canonical_bytes(ap_req)),), None)
        except Exception as error:
            callback((), error)

    def check_reply(self, metadata):
        """Has the service prove itself; its nonce tells which attempt it answered."""
        replies = [value for key, value in metadata or () if key == AP_REP]
        try:
            (reply,) = replies
            part = m.unseal(self._ticket.key, 12, "enc_ap_rep_part", reply)
            if part.ctime != self._made[part.nonce].ctime:
                raise ValueError("not its time")
            if bool(self._fresh) != part.HasField("subkey") or (not self._fresh and part.seq_number):
                raise ValueError("a subkey where none is due, or none where one is")
            if self._fresh:
                self._reply_key, self._expected = key_of(part.subkey), part.seq_number
                if self._reply_key.etype != self._ticket.key.etype:
                    raise ValueError("a subkey of another encryption type")
        except (ValueError, KeyError) as error:
            raise Untrusted("the service could not prove itself") from error

    def protect_single(self, message):
        """The one request as it travels; the AP-REQ is bound to it."""
        outgoing = self._protect(message) if self._requests_protected else message
        self._binding.request_sha256 = hashlib.sha256(outgoing).digest()
        return outgoing

    def protect_all(self, messages):
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
        try:
            for number, data in enumerate(call):
                if number == 0:
                    self.check_reply(call.initial_metadata())
                if ended:
                    raise Untrusted("a message after the end of the stream")
                message, ended = self._open(data)
                if not ended:
                    yield message
        except grpc.RpcError as error:
            raise refusal(error) from None
        if not ended:
            raise Untrusted("the stream was cut short")

    def _protect(self, message, end=False):
        number, self._next = self._next, (self._next + 1) % 2**32
        if self._sealed:
            part = m.kerberos("EncPrivPart")(user_data=message, seq_number=number, end=end)
            return m.seal(self._subkey, 1024, "enc_request_part", part)
        protected = m.kerberos("ProtectedMessage")(message=message, seq_number=number, end=end)
        protected.checksum = self._subkey.checksum(1026, m.canonical_bytes(protected))
        return m.canonical_bytes(protected)

    def _open(self, data):
        """A message and whether it is the end marker. Raises Untrusted unless it is the next one."""
        key = self._reply_key
        try:
            if self._sealed:
                opened = m.unseal(key, 1025, "enc_response_part", data)
                message = opened.user_data
            else:
                # The checksum is the last field: a tag, a length, its bytes.
                covered = data[: -key.checksum_size - 2]
                if not key.verifies(1027, covered, data[-key.checksum_size :]):
                    raise ValueError("altered")
                opened = m.read_canonical(m.kerberos("ProtectedMessage"), data)
                message = opened.message
        except ValueError as error:
            raise Untrusted(f"a message is not the one that the service sent: {error}") from error
        if opened.seq_number != self._expected or (opened.end and message):
            raise Untrusted("a message is missing, repeated or out of order")
        self._expected = (self._expected + 1) % 2**32
        return message, opened.end
