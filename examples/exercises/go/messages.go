// Messages inside messages: canonical form, sealing, times (docs/protocol.md, "Bytes within messages"). Done
// for you.

package main

import (
	"bytes"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	kerberosv1 "my-tgs/gen/kerberos/v1"
)

// Decode reads a message from its one canonical encoding; for other bytes, and for none, the error is a
// Refusal KRB_ERR_GENERIC. The field is its name there.
func Decode(data []byte, message proto.Message, field string) error {
	if len(data) == 0 || !canonical(data, message) {
		name := message.ProtoReflect().Descriptor().Name()
		return Refuse("KRB_ERR_GENERIC", "%s: not the canonical form of %s", field, name)
	}
	return nil
}

func canonical(data []byte, message proto.Message) bool {
	err := proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, message)
	return err == nil && bytes.Equal(Encode(message), data)
}

// Encode is the one canonical encoding of a message.
func Encode(message proto.Message) []byte {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		panic(err)
	}
	return data
}

// Seal seals a part under a key: E(K, [part]). The version is that of a long-term key, or 0.
func Seal(key Key, usage uint32, part *kerberosv1.SealedPart, kvno uint32) *kerberosv1.EncryptedData {
	return &kerberosv1.EncryptedData{Etype: Etype, Kvno: kvno, Cipher: key.Encrypt(usage, Encode(part))}
}

// Open opens what is sealed; ask the part for the kind that you expect, GetEncTicketPart() or
// GetAuthenticator(): it is nil for any other. The error is a Refusal KRB_AP_ERR_BAD_INTEGRITY, whatever the
// cause.
func Open(key Key, usage uint32, data *kerberosv1.EncryptedData, what string) (*kerberosv1.SealedPart, error) {
	part := &kerberosv1.SealedPart{}
	plaintext, err := key.Decrypt(usage, data.GetCipher())
	if data.GetEtype() != Etype || err != nil || !canonical(plaintext, part) {
		return nil, Refuse("KRB_AP_ERR_BAD_INTEGRITY", "%s: it does not open", what)
	}
	return part, nil
}

// Time is a time in whole milliseconds, as servers compare them.
func Time(stamp *timestamppb.Timestamp) time.Time {
	return stamp.AsTime().Truncate(time.Millisecond)
}
