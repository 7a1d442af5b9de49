// Refusals: RFC 4120's name and number, and how they travel (docs/protocol.md, "Refusals"). Done for you.

package main

import (
	"errors"
	"fmt"
	"log"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The refusals of the exercise: the RFC's number, and the gRPC code.
var reasons = map[string]struct {
	number int
	code   codes.Code
}{
	"KDC_ERR_S_PRINCIPAL_UNKNOWN": {7, codes.NotFound},
	"KDC_ERR_NEVER_VALID":         {11, codes.FailedPrecondition},
	"KDC_ERR_ETYPE_NOSUPP":        {14, codes.FailedPrecondition},
	"KRB_AP_ERR_BAD_INTEGRITY":    {31, codes.Unauthenticated},
	"KRB_AP_ERR_TKT_EXPIRED":      {32, codes.Unauthenticated},
	"KRB_AP_ERR_TKT_NYV":          {33, codes.Unauthenticated},
	"KRB_AP_ERR_REPEAT":           {34, codes.Unauthenticated},
	"KRB_AP_ERR_NOT_US":           {35, codes.Unauthenticated},
	"KRB_AP_ERR_BADMATCH":         {36, codes.Unauthenticated},
	"KRB_AP_ERR_SKEW":             {37, codes.Unauthenticated},
	"KRB_AP_ERR_MODIFIED":         {41, codes.Unauthenticated},
	"KRB_AP_ERR_BADKEYVER":        {44, codes.Unauthenticated},
	"KRB_AP_ERR_INAPP_CKSUM":      {50, codes.Unauthenticated},
	"KRB_ERR_GENERIC":             {60, codes.InvalidArgument},
}

// ErrNotWritten is where the exercise goes on.
var ErrNotWritten = errors.New("not written yet")

// Refusal is an error that the client sees: its reason, its number and its text.
type Refusal struct {
	Reason string
	Text   string
}

func (refusal *Refusal) Error() string {
	return refusal.Reason + ": " + refusal.Text
}

// Refuse makes a Refusal.
func Refuse(reason, format string, values ...any) error {
	return &Refusal{Reason: reason, Text: fmt.Sprintf(format, values...)}
}

// StatusOf is the end of a call that failed. What is no Refusal goes to the log, and the client learns nothing
// of it.
func StatusOf(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrNotWritten) {
		return status.Error(codes.Unimplemented, err.Error())
	}
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		log.Print(err)
		return status.Error(codes.Internal, "internal error")
	}
	reason, known := reasons[refusal.Reason]
	if !known {
		log.Printf("%s: there is no such reason", refusal.Reason)
	}
	made, err := status.New(reason.code, refusal.Text).WithDetails(&errdetails.ErrorInfo{
		Reason:   refusal.Reason,
		Domain:   "tessera",
		Metadata: map[string]string{"number": strconv.Itoa(reason.number)},
	})
	if err != nil {
		return err
	}
	return made.Err()
}
