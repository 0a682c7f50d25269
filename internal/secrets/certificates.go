package secrets

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"time"

	"chatapp/libs/topology"
)

// How long certificates are good for; the servers' are renewed with Renew.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	serverLife    = 2 * 365 * 24 * time.Hour
	// backdate lets machines whose clocks are a little behind accept them.
	backdate = time.Hour
)

// authority signs the servers' certificates.
type authority struct {
	cert *x509.Certificate
	pem  []byte
	key  *ecdsa.PrivateKey
}

// certificates makes the authority, the certificates of NATS and MySQL, and
// tells everybody whom to trust.
func (m *maker) certificates() error {
	ca, err := m.authority()
	if err != nil {
		return err
	}
	for _, server := range []string{topology.NATS, topology.MySQL} {
		if err := m.server(ca, server); err != nil {
			return fmt.Errorf("certificate of %s: %w", server, err)
		}
	}
	for _, c := range Consumers() {
		if err := m.write(filepath.Join(c, "ca.pem"), ca.pem); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) authority() (authority, error) {
	keyPEM, err := m.keep("ca/ca.key", newKey)
	if err != nil {
		return authority{}, err
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return authority{}, fmt.Errorf("%s: %w", filepath.Join(m.Dir, "ca", "ca.key"), err)
	}
	certPEM, err := m.keep("ca/ca.pem", func() ([]byte, error) {
		template := &x509.Certificate{
			Subject: pkix.Name{CommonName: "ChatApp internal authority"}, NotAfter: time.Now().Add(authorityLife),
			IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		}
		return sign(template, template, key, key)
	})
	if err != nil {
		return authority{}, err
	}
	block, _ := pem.Decode(certPEM)
	if block == nil {
		return authority{}, errors.New("ca/ca.pem holds no certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	return authority{cert, certPEM, key}, err
}

// server makes a server's key and certificate. Nodes of NATS show theirs to
// each other, so it is a client's certificate too.
func (m *maker) server(ca authority, name string) error {
	keyPEM, err := m.keep(filepath.Join(name, "server.key"), newKey)
	if err != nil {
		return err
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(m.Dir, name, "server.key"), err)
	}
	issue := func() ([]byte, error) {
		template := &x509.Certificate{
			Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(serverLife), BasicConstraintsValid: true,
			KeyUsage:    x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		for _, host := range m.Hosts {
			if ip := net.ParseIP(host); ip != nil {
				template.IPAddresses = append(template.IPAddresses, ip)
			} else {
				template.DNSNames = append(template.DNSNames, host)
			}
		}
		return sign(template, ca.cert, key, ca.key)
	}
	file := filepath.Join(name, "server.pem")
	if !m.Renew {
		_, err := m.keep(file, issue)
		return err
	}
	certPEM, err := issue()
	if err != nil {
		return err
	}
	return m.write(file, certPEM)
}

func sign(template, parent *x509.Certificate, subject, signer *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber, template.NotBefore = serial, time.Now().Add(-backdate)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &subject.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func newKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func parseKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("not a private key in PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an ECDSA key")
	}
	return key, nil
}
