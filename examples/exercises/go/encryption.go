// Encryption type 20, aes256-cts-hmac-sha384-192 (RFC 8009): the only one of the exercise. Done for you.

package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
)

// Etype is the number of the encryption type, and of its checksum type.
const Etype = 20

const (
	keySize = 32
	macSize = 24
)

// What keys are derived for.
const (
	forEncryption = 0xaa
	forIntegrity  = 0x55
	forChecksum   = 0x99
)

// ErrDoesNotOpen is another key, another usage, or changed bytes.
var ErrDoesNotOpen = errors.New("the key does not open it")

// Key is a key of type 20: 32 bytes.
type Key []byte

// NewKey makes a key of its bytes.
func NewKey(bytes []byte) (Key, error) {
	if len(bytes) != keySize {
		return nil, fmt.Errorf("a key has %d bytes, not %d", keySize, len(bytes))
	}
	return Key(bytes), nil
}

// RandomKey makes a fresh key.
func RandomKey() Key {
	key := make([]byte, keySize)
	rand.Read(key)
	return key
}

// Encrypt puts a confounder before the plaintext, enciphers with AES in CBC with ciphertext stealing, and
// appends a MAC (RFC 8009 section 5).
func (key Key) Encrypt(usage uint32, plaintext []byte) []byte {
	text := make([]byte, aes.BlockSize, aes.BlockSize+len(plaintext)+aes.BlockSize)
	rand.Read(text)
	text = append(text, plaintext...)
	tail := tailOf(text)
	blocks := append(text, make([]byte, aes.BlockSize-tail)...)
	cipher.NewCBCEncrypter(key.block(usage), make([]byte, aes.BlockSize)).CryptBlocks(blocks, blocks)
	// The last two blocks change places, and what is too much of the last is cut off.
	size := len(blocks)
	sealed := bytes.Clone(blocks[:size-2*aes.BlockSize])
	sealed = append(sealed, blocks[size-aes.BlockSize:]...)
	sealed = append(sealed, blocks[size-2*aes.BlockSize:size-2*aes.BlockSize+tail]...)
	return append(sealed, key.mac(usage, sealed)...)
}

// Decrypt undoes Encrypt; the error is always ErrDoesNotOpen.
func (key Key) Decrypt(usage uint32, data []byte) ([]byte, error) {
	size := len(data) - macSize
	if size <= aes.BlockSize || !hmac.Equal(data[size:], key.mac(usage, data[:size])) {
		return nil, ErrDoesNotOpen
	}
	sealed := data[:size]
	open := func(blocks []byte) []byte {
		text := make([]byte, len(blocks))
		cipher.NewCBCDecrypter(key.block(usage), make([]byte, aes.BlockSize)).CryptBlocks(text, blocks)
		return text
	}
	tail := tailOf(sealed)
	last := sealed[size-aes.BlockSize-tail : size-tail]
	// Deciphered alone, the block that went last yields what was cut off the other.
	filler := open(last)[tail:]
	blocks := bytes.Join([][]byte{sealed[:size-aes.BlockSize-tail], sealed[size-tail:], filler, last}, nil)
	return open(blocks)[aes.BlockSize:size], nil
}

// Verifies says whether a checksum of type 20 under this key covers the data.
func (key Key) Verifies(usage uint32, data, checksum []byte) bool {
	return hmac.Equal(checksum, sum(key.derived(usage, forChecksum, macSize), data)[:macSize])
}

func (key Key) mac(usage uint32, sealed []byte) []byte {
	return sum(key.derived(usage, forIntegrity, macSize), make([]byte, aes.BlockSize), sealed)[:macSize]
}

func (key Key) block(usage uint32) cipher.Block {
	block, err := aes.NewCipher(key.derived(usage, forEncryption, keySize))
	if err != nil {
		panic(err)
	}
	return block
}

// derived is the key for one usage and one purpose (RFC 8009 section 3).
func (key Key) derived(usage uint32, purpose byte, size int) []byte {
	input := binary.BigEndian.AppendUint32(nil, 1)
	input = binary.BigEndian.AppendUint32(input, usage)
	input = append(input, purpose, 0)
	input = binary.BigEndian.AppendUint32(input, uint32(size)*8)
	return sum(key, input)[:size]
}

func sum(key []byte, parts ...[]byte) []byte {
	made := hmac.New(sha512.New384, key)
	for _, part := range parts {
		made.Write(part)
	}
	return made.Sum(nil)
}

// tailOf is how many bytes the last block has, from 1 to 16.
func tailOf(text []byte) int {
	return (len(text)-1)%aes.BlockSize + 1
}
