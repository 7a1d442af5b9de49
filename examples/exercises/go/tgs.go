// The TGS exchange (RFC 4120 section 3.3): a ticket-granting ticket becomes a ticket for a service. This is
// yours.
//
// messages.go decodes, opens and seals; Refuse(reason, text) makes an error that refuses; realm.go has the
// keys. Take the stages in order: each says what it sent and what it expected.

package main

import (
	"log"
	"time"

	kerberosv1 "my-tgs/gen/kerberos/v1"
)

// TicketGrantingServer is the TGS. Calls come at the same time.
type TicketGrantingServer struct {
	realm *Realm
}

// NewTicketGrantingServer makes the TGS of a realm.
func NewTicketGrantingServer(realm *Realm) *TicketGrantingServer {
	return &TicketGrantingServer{realm: realm}
}

// GrantTicket takes message (3) and gives message (4), or an error made by Refuse.
func (tgs *TicketGrantingServer) GrantTicket(
	request *kerberosv1.GrantTicketRequest, now time.Time,
) (*kerberosv1.GrantTicketResponse, error) {
	log.Printf("at %s: a ticket of %d bytes for %s", now, len(request.GetTicket()), tgs.realm.TGS)
	// TODO stage 2: decode the Ticket; it must be for tgs.realm.TGS.
	// TODO stage 3: refuse what is not canonical, and what lacks a required field.
	// TODO stage 4: open the ticket with the key of its kvno (key usage 2).
	// TODO stage 5: open the authenticator with the session key (key usage 7); check its client and its time.
	// TODO stage 6: check its checksum over the bytes of the body (key usage 6).
	// TODO stage 7: check the ticket's times and the flag INVALID.
	// TODO stage 8: find the service that is asked for.
	// TODO stage 9: make a session key, and seal the reply (key usage 8, or 9 under the subkey).
	// TODO stage 10: make the ticket, sealed under the service's key (key usage 2).
	// TODO stage 11: let it end no later than the TGT, and choose its flags.
	// TODO stage 12: refuse an authenticator that was accepted before; calls come at the same time.
	return nil, ErrNotWritten
}
