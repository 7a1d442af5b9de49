// The TGS exchange (RFC 4120 section 3.3): a solution of the exercise.

package main

import (
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	kerberosv1 "my-tgs/gen/kerberos/v1"
)

// Key usages (RFC 4120 section 7.5.1).
const (
	ticketUsage        = 2
	checksumUsage      = 6
	authenticatorUsage = 7
	replyUsage         = 8
	replySubkeyUsage   = 9
)

// TicketGrantingServer is the TGS.
type TicketGrantingServer struct {
	realm *Realm
	mutex sync.Mutex
	// When each authenticator that was accepted may be forgotten, by its ciphertext.
	seen map[string]time.Time
}

// NewTicketGrantingServer makes the TGS of a realm.
func NewTicketGrantingServer(realm *Realm) *TicketGrantingServer {
	return &TicketGrantingServer{realm: realm, seen: map[string]time.Time{}}
}

// GrantTicket takes message (3) and gives message (4), or a Refusal.
func (tgs *TicketGrantingServer) GrantTicket(
	request *kerberosv1.GrantTicketRequest, now time.Time,
) (*kerberosv1.GrantTicketResponse, error) {
	body, err := readBody(request.GetBody())
	if err != nil {
		return nil, err
	}
	tgt, err := tgs.openTicket(request.GetTicket())
	if err != nil {
		return nil, err
	}
	sessionKey, err := keyIn(tgt.GetKey(), "ticket.key")
	if err != nil {
		return nil, err
	}
	sealed := &kerberosv1.EncryptedData{}
	if err := Decode(request.GetAuthenticator(), sealed, "authenticator"); err != nil {
		return nil, err
	}
	part, err := Open(sessionKey, authenticatorUsage, sealed, "authenticator")
	if err != nil {
		return nil, err
	}
	authenticator := part.GetAuthenticator()
	if authenticator == nil {
		return nil, Refuse("KRB_AP_ERR_BAD_INTEGRITY", "authenticator: it does not open")
	}
	if err := tgs.checkAuthenticator(authenticator, tgt, request.GetBody(), sessionKey, now); err != nil {
		return nil, err
	}
	if err := tgs.checkTimes(tgt, now); err != nil {
		return nil, err
	}
	service, known := tgs.realm.Keys[body.GetServer()]
	if !known {
		return nil, Refuse("KDC_ERR_S_PRINCIPAL_UNKNOWN", "%s: there is no such service", body.GetServer())
	}
	replyKey, usage := sessionKey, uint32(replyUsage)
	if authenticator.Subkey != nil {
		usage = replySubkeyUsage
		if replyKey, err = keyIn(authenticator.Subkey, "authenticator.subkey"); err != nil {
			return nil, err
		}
	}
	response, err := grant(tgt, body, service, replyKey, usage, now)
	if err != nil {
		return nil, err
	}
	return response, tgs.remember(sealed.GetCipher(), Time(authenticator.GetCtime()), now)
}

func readBody(data []byte) (*kerberosv1.KdcReqBody, error) {
	body := &kerberosv1.KdcReqBody{}
	if err := Decode(data, body, "body"); err != nil {
		return nil, err
	}
	if body.GetServer() == "" {
		return nil, Refuse("KRB_ERR_GENERIC", "body.server: required")
	}
	if len(body.GetNonce()) != 16 {
		return nil, Refuse("KRB_ERR_GENERIC", "body.nonce: 16 bytes are required")
	}
	if !slices.Contains(body.GetEtypes(), Etype) {
		return nil, Refuse("KDC_ERR_ETYPE_NOSUPP", "only type %d is here", Etype)
	}
	return body, nil
}

func (tgs *TicketGrantingServer) openTicket(data []byte) (*kerberosv1.EncTicketPart, error) {
	ticket := &kerberosv1.Ticket{}
	if err := Decode(data, ticket, "ticket"); err != nil {
		return nil, err
	}
	if ticket.GetServer() != tgs.realm.TGS {
		return nil, Refuse("KRB_AP_ERR_NOT_US", "the ticket is for %s", ticket.GetServer())
	}
	if ticket.EncPart == nil {
		return nil, Refuse("KRB_ERR_GENERIC", "ticket.enc_part: required")
	}
	own := tgs.realm.Keys[tgs.realm.TGS]
	if kvno := ticket.GetEncPart().GetKvno(); kvno != own.Kvno {
		return nil, Refuse("KRB_AP_ERR_BADKEYVER", "the ticket needs version %d of the key", kvno)
	}
	part, err := Open(own.Key, ticketUsage, ticket.GetEncPart(), "ticket")
	if err != nil {
		return nil, err
	}
	opened := part.GetEncTicketPart()
	if opened == nil {
		return nil, Refuse("KRB_AP_ERR_BAD_INTEGRITY", "ticket: it does not open")
	}
	if opened.GetServer() != ticket.GetServer() {
		return nil, Refuse("KRB_AP_ERR_NOT_US", "the ticket is for another service")
	}
	return opened, nil
}

func (tgs *TicketGrantingServer) checkAuthenticator(
	authenticator *kerberosv1.Authenticator, tgt *kerberosv1.EncTicketPart, body []byte, sessionKey Key, now time.Time,
) error {
	if authenticator.GetClient() != tgt.GetClient() {
		return Refuse("KRB_AP_ERR_BADMATCH", "ticket and authenticator name different clients")
	}
	if authenticator.GetChecksum().GetType() != Etype {
		return Refuse("KRB_AP_ERR_INAPP_CKSUM", "the checksum must have type %d", Etype)
	}
	if !sessionKey.Verifies(checksumUsage, body, authenticator.GetChecksum().GetChecksum()) {
		return Refuse("KRB_AP_ERR_MODIFIED", "the body is not what the authenticator was made for")
	}
	if authenticator.Ctime == nil {
		return Refuse("KRB_ERR_GENERIC", "authenticator.ctime: required")
	}
	if apart := now.Sub(Time(authenticator.GetCtime())); apart.Abs() > tgs.realm.ClockSkew {
		return Refuse("KRB_AP_ERR_SKEW", "the clocks differ by %s", apart)
	}
	return nil
}

func (tgs *TicketGrantingServer) checkTimes(tgt *kerberosv1.EncTicketPart, now time.Time) error {
	invalid := slices.Contains(tgt.GetFlags(), kerberosv1.TicketFlag_TICKET_FLAG_INVALID)
	if invalid || Time(tgt.GetStarttime()).Sub(now) > tgs.realm.ClockSkew {
		return Refuse("KRB_AP_ERR_TKT_NYV", "the ticket is not valid yet")
	}
	if now.Sub(Time(tgt.GetEndtime())) > tgs.realm.ClockSkew {
		return Refuse("KRB_AP_ERR_TKT_EXPIRED", "the ticket is over")
	}
	return nil
}

// remember looks and remembers in one step.
func (tgs *TicketGrantingServer) remember(cipher []byte, ctime, now time.Time) error {
	tgs.mutex.Lock()
	defer tgs.mutex.Unlock()
	for name, expiry := range tgs.seen {
		if expiry.Before(now) {
			delete(tgs.seen, name)
		}
	}
	if _, repeated := tgs.seen[string(cipher)]; repeated {
		return Refuse("KRB_AP_ERR_REPEAT", "the authenticator was used before")
	}
	tgs.seen[string(cipher)] = ctime.Add(tgs.realm.ClockSkew)
	return nil
}

func keyIn(key *kerberosv1.EncryptionKey, field string) (Key, error) {
	if key.GetEtype() != Etype {
		return nil, Refuse("KDC_ERR_ETYPE_NOSUPP", "%s: only type %d is here", field, Etype)
	}
	return NewKey(key.GetKey())
}

// grant makes message (4) from the open TGT and the body.
func grant(
	tgt *kerberosv1.EncTicketPart, body *kerberosv1.KdcReqBody, service LongTermKey, replyKey Key, usage uint32,
	now time.Time,
) (*kerberosv1.GrantTicketResponse, error) {
	endtime := Time(tgt.GetEndtime())
	if body.Till != nil && Time(body.Till).Before(endtime) {
		endtime = Time(body.Till)
	}
	if !endtime.After(now) {
		return nil, Refuse("KDC_ERR_NEVER_VALID", "the ticket would be over")
	}
	sessionKey := &kerberosv1.EncryptionKey{Etype: Etype, Key: RandomKey()}
	preAuthent := kerberosv1.TicketFlag_TICKET_FLAG_PRE_AUTHENT
	var flags []kerberosv1.TicketFlag
	if slices.Contains(tgt.GetFlags(), preAuthent) {
		flags = append(flags, preAuthent)
	}
	ticket := &kerberosv1.EncTicketPart{
		Flags:     flags,
		Key:       sessionKey,
		Client:    tgt.GetClient(),
		Authtime:  tgt.GetAuthtime(),
		Starttime: timestamppb.New(now),
		Endtime:   timestamppb.New(endtime),
		Server:    body.GetServer(),
	}
	reply := &kerberosv1.EncKdcRepPart{
		Key:       sessionKey,
		Nonce:     body.GetNonce(),
		Server:    ticket.Server,
		Client:    ticket.Client,
		Flags:     flags,
		Authtime:  ticket.Authtime,
		Starttime: ticket.Starttime,
		Endtime:   ticket.Endtime,
		Etypes:    body.GetEtypes(),
		KdcTime:   timestamppb.New(now),
	}
	ticketPart := &kerberosv1.SealedPart{Part: &kerberosv1.SealedPart_EncTicketPart{EncTicketPart: ticket}}
	replyPart := &kerberosv1.SealedPart{Part: &kerberosv1.SealedPart_EncTgsRepPart{EncTgsRepPart: reply}}
	return &kerberosv1.GrantTicketResponse{
		Ticket: Encode(&kerberosv1.Ticket{
			Server:  ticket.Server,
			EncPart: Seal(service.Key, ticketUsage, ticketPart, service.Kvno),
		}),
		EncPart: Encode(Seal(replyKey, usage, replyPart, 0)),
	}, nil
}
