package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
)

// EncryptionKeySize is the length of a key of CHAT_ENCRYPTION_KEY in bytes.
const EncryptionKeySize = 32

// EncryptionKeys are the keys of CHAT_ENCRYPTION_KEY; none is no error. The
// error never holds a key.
func (c *Config) EncryptionKeys() ([][]byte, error) {
	var keys [][]byte
	for _, text := range strings.Fields(c.EncryptionKey) {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != EncryptionKeySize {
			return nil, errors.New("CHAT_ENCRYPTION_KEY: want 32 random bytes in base64, as 'openssl rand -base64 32' or 'chatapp secrets' makes them; several are separated by spaces or lines")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// NewEncryptionKey makes a value for CHAT_ENCRYPTION_KEY.
func NewEncryptionKey() string {
	key := make([]byte, EncryptionKeySize)
	_, _ = rand.Read(key) // never fails
	return base64.StdEncoding.EncodeToString(key)
}
