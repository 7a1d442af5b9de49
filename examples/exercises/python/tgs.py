"""The TGS exchange (RFC 4120 section 3.3): a ticket-granting ticket becomes a ticket for a service. This is yours.

`messages.py` decodes, opens and seals; `raise Refusal(reason, text)` refuses; `realm.py` has the keys. Take the
stages in order: each says what it sent and what it expected.
"""


class TicketGrantingServer:
    """The TGS. Calls come at the same time, in several threads."""

    def __init__(self, realm):
        self.realm = realm

    def grant_ticket(self, request, now):
        """Message (3) in, message (4) out; `now` is milliseconds since the epoch. Raises Refusal."""
        print(f"at {now}: a ticket of {len(request.ticket)} bytes for {self.realm.tgs}", flush=True)
        # TODO stage 2: decode the Ticket; it must be for self.realm.tgs.
        # TODO stage 3: refuse what is not canonical, and what lacks a required field.
        # TODO stage 4: open the ticket with the key of its kvno (key usage 2).
        # TODO stage 5: open the authenticator with the session key (key usage 7); check its client and its time.
        # TODO stage 6: check its checksum over the bytes of the body (key usage 6).
        # TODO stage 7: check the ticket's times and the flag INVALID.
        # TODO stage 8: find the service that is asked for.
        # TODO stage 9: make a session key, and seal the reply (key usage 8, or 9 under the subkey).
        # TODO stage 10: make the ticket, sealed under the service's key (key usage 2).
        # TODO stage 11: let it end no later than the TGT, and choose its flags.
        # TODO stage 12: refuse an authenticator that was accepted before; calls come at the same time.
        raise NotImplementedError
