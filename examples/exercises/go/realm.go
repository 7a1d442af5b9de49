// What the exercise tells the server: the realm, the keys, the clock skew (docs/exercise.md). Done for you.

package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"time"
)

// LongTermKey is a version of a principal's long-term key.
type LongTermKey struct {
	Kvno uint32
	Key  Key
}

// Realm is what the TGS knows.
type Realm struct {
	// TGS is its own principal: krbtgt/REALM@REALM.
	TGS string
	// ClockSkew is how far clocks may be apart.
	ClockSkew time.Duration
	// Keys are those of the TGS and of every service, by principal.
	Keys map[string]LongTermKey
}

// ReadRealm reads the variables and the file of keys.
func ReadRealm() (*Realm, error) {
	name, path := os.Getenv("EXERCISE_REALM"), os.Getenv("EXERCISE_KEYS")
	seconds, err := strconv.Atoi(os.Getenv("EXERCISE_CLOCK_SKEW"))
	if name == "" || path == "" || err != nil {
		return nil, errors.New("run me by: tessera exercise tgs --cmd ./my-tgs")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Keys []struct {
			Principal string
			Kvno      uint32
			Key       string
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	realm := &Realm{
		TGS:       "krbtgt/" + name + "@" + name,
		ClockSkew: time.Duration(seconds) * time.Second,
		Keys:      map[string]LongTermKey{},
	}
	for _, entry := range file.Keys {
		bytes, err := hex.DecodeString(entry.Key)
		if err != nil {
			return nil, err
		}
		key, err := NewKey(bytes)
		if err != nil {
			return nil, err
		}
		realm.Keys[entry.Principal] = LongTermKey{Kvno: entry.Kvno, Key: key}
	}
	return realm, nil
}
