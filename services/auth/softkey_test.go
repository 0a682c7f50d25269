package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// Flags of authenticator data.
const (
	flagPresent  = 0x01
	flagVerified = 0x04
	flagKey      = 0x40
)

// softKey is an authenticator with one passkey, in software. What it says can
// be changed, to be what it should not.
type softKey struct {
	t      *testing.T
	origin string
	site   string
	flags  byte
	count  uint32
	id     []byte
	user   []byte
	key    *ecdsa.PrivateKey
}

func newSoftKey(t *testing.T) *softKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := &softKey{t: t, origin: "http://localhost:8080", site: "localhost", flags: flagPresent | flagVerified, key: key, id: make([]byte, 32)}
	_, _ = rand.Read(k.id)
	return k
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (k *softKey) clientData(kind, challenge string) []byte {
	data, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.origin, "crossOrigin": false})
	if err != nil {
		k.t.Fatal(err)
	}
	return data
}

func (k *softKey) authData(flags byte, rest ...byte) []byte {
	site := sha256.Sum256([]byte(k.site))
	data := append(site[:], flags)
	return append(binary.BigEndian.AppendUint32(data, k.count), rest...)
}

func (k *softKey) cbor(v any) []byte {
	k.t.Helper()
	b, err := webauthncbor.Marshal(v)
	if err != nil {
		k.t.Fatal(err)
	}
	return b
}

// create answers the options of a registration.
func (k *softKey) create(options json.RawMessage) map[string]any {
	k.t.Helper()
	var o struct {
		Challenge string
		User      struct{ ID string }
	}
	if err := json.Unmarshal(options, &o); err != nil {
		k.t.Fatal(err)
	}
	var err error
	if k.user, err = base64.RawURLEncoding.DecodeString(o.User.ID); err != nil {
		k.t.Fatal(err)
	}
	point, err := k.key.PublicKey.Bytes()
	if err != nil {
		k.t.Fatal(err)
	}
	rest := make([]byte, 16, 256) // no model
	rest = binary.BigEndian.AppendUint16(rest, uint16(len(k.id)))
	rest = append(rest, k.id...)
	rest = append(rest, k.cbor(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:65]})...)
	return map[string]any{
		"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"clientDataJSON": b64(k.clientData("webauthn.create", o.Challenge)),
			"attestationObject": b64(k.cbor(map[string]any{
				"fmt": "none", "attStmt": map[string]any{}, "authData": k.authData(k.flags|flagKey, rest...),
			})),
			"transports": []string{"internal"},
		},
	}
}

// get answers the options of a sign-in.
func (k *softKey) get(options json.RawMessage) map[string]any {
	k.t.Helper()
	var o struct{ Challenge string }
	if err := json.Unmarshal(options, &o); err != nil {
		k.t.Fatal(err)
	}
	client, data := k.clientData("webauthn.get", o.Challenge), k.authData(k.flags)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, sum[:])
	if err != nil {
		k.t.Fatal(err)
	}
	return map[string]any{
		"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(k.user),
		},
	}
}
