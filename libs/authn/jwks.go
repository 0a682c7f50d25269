package authn

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
)

// jwk is one Ed25519 public key as RFC 8037 writes it.
type jwk struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	KeyID     string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

type jwkSet struct {
	Keys []jwk `json:"keys"`
}

// JWKS writes public keys as a JSON Web Key Set, ordered by key id.
func JWKS(keys map[string]ed25519.PublicKey) []byte {
	set := jwkSet{Keys: []jwk{}}
	for kid, key := range keys {
		set.Keys = append(set.Keys, jwk{
			KeyType: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(key),
			KeyID: kid, Use: "sig", Algorithm: "EdDSA",
		})
	}
	slices.SortFunc(set.Keys, func(a, b jwk) int {
		if a.KeyID < b.KeyID {
			return -1
		}
		return 1
	})
	data, err := json.Marshal(set)
	if err != nil {
		panic(err) // strings only: cannot happen
	}
	return data
}

// ParseJWKS reads a key set. Keys of other kinds are passed over; a malformed
// Ed25519 key is an error.
func ParseJWKS(data []byte) (map[string]ed25519.PublicKey, error) {
	var set jwkSet
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("authn: key set: %w", err)
	}
	keys := make(map[string]ed25519.PublicKey, len(set.Keys))
	for _, k := range set.Keys {
		if k.KeyType != "OKP" || k.Curve != "Ed25519" || k.KeyID == "" {
			continue
		}
		raw, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("authn: key %q is not an Ed25519 public key", k.KeyID)
		}
		keys[k.KeyID] = raw
	}
	return keys, nil
}
