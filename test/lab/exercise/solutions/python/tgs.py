"""The TGS exchange (RFC 4120 section 3.3): a solution of the exercise."""

import threading

from encryption import ETYPE, Key
from messages import (
    INVALID,
    PRE_AUTHENT,
    EncKdcRepPart,
    EncryptedData,
    EncTicketPart,
    GrantTicketResponse,
    KdcReqBody,
    Ticket,
    decode,
    encode,
    milliseconds,
    open_part,
    seal,
    timestamp,
)
from refusal import Refusal

# Key usages (RFC 4120 section 7.5.1).
TICKET, TGS_REQ_CHECKSUM, TGS_REQ_AUTHENTICATOR, TGS_REP_SESSION_KEY, TGS_REP_SUBKEY = 2, 6, 7, 8, 9


class TicketGrantingServer:
    """The TGS."""

    def __init__(self, realm):
        self.realm = realm
        self._lock = threading.Lock()
        self._seen = {}  # when each authenticator that was accepted may be forgotten, by its ciphertext

    def grant_ticket(self, request, now):
        """Message (3) in, message (4) out; `now` is milliseconds since the epoch. Raises Refusal."""
        body = _read_body(request.body)
        tgt = self._open_ticket(request.ticket)
        session_key = _key_in(tgt.key, "ticket.key")
        sealed = decode(EncryptedData, request.authenticator, "authenticator")
        authenticator = open_part(
            session_key, TGS_REQ_AUTHENTICATOR, "authenticator", sealed, "authenticator"
        )
        self._check_authenticator(authenticator, tgt, request.body, session_key, now)
        self._check_times(tgt, now)
        service = self.realm.keys.get(body.server)
        if service is None:
            raise Refusal("KDC_ERR_S_PRINCIPAL_UNKNOWN", f"{body.server}: there is no such service")
        reply_key, usage = session_key, TGS_REP_SESSION_KEY
        if authenticator.HasField("subkey"):
            reply_key, usage = _key_in(authenticator.subkey, "authenticator.subkey"), TGS_REP_SUBKEY
        response = _grant(tgt, body, service, reply_key, usage, now)
        self._remember(sealed.cipher, milliseconds(authenticator.ctime), now)
        return response

    def _open_ticket(self, data):
        ticket = decode(Ticket, data, "ticket")
        if ticket.server != self.realm.tgs:
            raise Refusal("KRB_AP_ERR_NOT_US", f"the ticket is for {ticket.server}")
        if not ticket.HasField("enc_part"):
            raise Refusal("KRB_ERR_GENERIC", "ticket.enc_part: required")
        kvno, key = self.realm.keys[self.realm.tgs]
        if ticket.enc_part.kvno != kvno:
            raise Refusal(
                "KRB_AP_ERR_BADKEYVER", f"the ticket needs version {ticket.enc_part.kvno} of the key"
            )
        opened = open_part(key, TICKET, "enc_ticket_part", ticket.enc_part, "ticket")
        if opened.server != ticket.server:
            raise Refusal("KRB_AP_ERR_NOT_US", "the ticket is for another service")
        return opened

    def _check_authenticator(self, authenticator, tgt, body, session_key, now):
        if authenticator.client != tgt.client:
            raise Refusal("KRB_AP_ERR_BADMATCH", "ticket and authenticator name different clients")
        checksum = authenticator.checksum
        if checksum.type != ETYPE:
            raise Refusal("KRB_AP_ERR_INAPP_CKSUM", f"the checksum must have type {ETYPE}")
        if not session_key.verifies(TGS_REQ_CHECKSUM, body, checksum.checksum):
            raise Refusal("KRB_AP_ERR_MODIFIED", "the body is not what the authenticator was made for")
        if not authenticator.HasField("ctime"):
            raise Refusal("KRB_ERR_GENERIC", "authenticator.ctime: required")
        apart = now - milliseconds(authenticator.ctime)
        if abs(apart) > self.realm.clock_skew:
            raise Refusal("KRB_AP_ERR_SKEW", f"the clocks differ by {apart} ms")

    def _check_times(self, tgt, now):
        if INVALID in tgt.flags or milliseconds(tgt.starttime) - now > self.realm.clock_skew:
            raise Refusal("KRB_AP_ERR_TKT_NYV", "the ticket is not valid yet")
        if now - milliseconds(tgt.endtime) > self.realm.clock_skew:
            raise Refusal("KRB_AP_ERR_TKT_EXPIRED", "the ticket is over")

    def _remember(self, cipher, ctime, now):
        """Looks and remembers in one step."""
        with self._lock:
            self._seen = {name: expiry for name, expiry in self._seen.items() if expiry >= now}
            if cipher in self._seen:
                raise Refusal("KRB_AP_ERR_REPEAT", "the authenticator was used before")
            self._seen[cipher] = ctime + self.realm.clock_skew


def _read_body(data):
    body = decode(KdcReqBody, data, "body")
    if not body.server:
        raise Refusal("KRB_ERR_GENERIC", "body.server: required")
    if len(body.nonce) != 16:
        raise Refusal("KRB_ERR_GENERIC", "body.nonce: 16 bytes are required")
    if ETYPE not in body.etypes:
        raise Refusal("KDC_ERR_ETYPE_NOSUPP", f"only type {ETYPE} is here")
    return body


def _key_in(key, field):
    if key.etype != ETYPE:
        raise Refusal("KDC_ERR_ETYPE_NOSUPP", f"{field}: only type {ETYPE} is here")
    return Key(key.key)


def _grant(tgt, body, service, reply_key, usage, now):
    """Message (4), from the open TGT and the body."""
    endtime = milliseconds(tgt.endtime)
    if body.HasField("till"):
        endtime = min(endtime, milliseconds(body.till))
    if endtime <= now:
        raise Refusal("KDC_ERR_NEVER_VALID", "the ticket would be over")
    common = {
        "key": {"etype": ETYPE, "key": Key.random().bytes},
        "client": tgt.client,
        "server": body.server,
        "flags": [flag for flag in tgt.flags if flag == PRE_AUTHENT],
        "authtime": tgt.authtime,
        "starttime": timestamp(now),
        "endtime": timestamp(endtime),
    }
    ticket = EncTicketPart(**common)
    reply = EncKdcRepPart(nonce=body.nonce, etypes=body.etypes, kdc_time=timestamp(now), **common)
    sealed_ticket = seal(service.key, TICKET, "enc_ticket_part", ticket, service.kvno)
    return GrantTicketResponse(
        ticket=encode(Ticket(server=body.server, enc_part=sealed_ticket)),
        enc_part=encode(seal(reply_key, usage, "enc_tgs_rep_part", reply)),
    )
