package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"chatapp/libs/config"
	"chatapp/libs/events"
	"chatapp/libs/testkit"
)

// mailServer is a real SMTP server with STARTTLS that keeps what it is given.
type mailServer struct {
	port  string
	roots *x509.CertPool

	mu      sync.Mutex
	mails   []string
	refuse  error // for RCPT
	refused int
}

type mailSession struct {
	s  *mailServer
	ok bool
}

// NewSession implements smtp.Backend.
func (s *mailServer) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{s: s}, nil }

func (m *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (m *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if m.ok = user == "chat" && password == "smtp-secret"; !m.ok {
			return errors.New("no")
		}
		return nil
	}), nil
}

func (m *mailSession) Mail(string, *smtp.MailOptions) error {
	if !m.ok {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (m *mailSession) Rcpt(string, *smtp.RcptOptions) error {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	if m.s.refuse != nil {
		m.s.refused++
	}
	return m.s.refuse
}

func (m *mailSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.s.mails = append(m.s.mails, string(b))
	return err
}

func (m *mailSession) Reset()        {}
func (m *mailSession) Logout() error { return nil }

func (s *mailServer) setRefuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}

func (s *mailServer) counts() (mails, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mails), s.refused
}

func startMailServer(t *testing.T) *mailServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	m := &mailServer{port: strconv.Itoa(l.Addr().(*net.TCPAddr).Port), roots: x509.NewCertPool()}
	m.roots.AddCert(cert)
	s := smtp.NewServer(m)
	s.Domain, s.TLSConfig = "localhost", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.ErrorLog = log.New(t.Output(), "smtp ", 0)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return m
}

// mailRig is a replica that sends through m.
func mailRig(t *testing.T, m *mailServer) *rig {
	t.Helper()
	smtpURL := func(c *config.Config) {
		c.SMTPURL, c.SMTPPassword, c.MailFrom = "smtp://chat@localhost:"+m.port, "smtp-secret", "ChatApp <chat@example.org>"
	}
	return newRigWith(t, testkit.OpenSQLite(t, Migrations), testkit.Bus(t), func(s *Service) {
		var err error
		if s.post, err = newSMTP(s.cfg, m.roots); err != nil {
			t.Fatal(err)
		}
	}, smtpURL)
}

func TestMailOverSMTP(t *testing.T) {
	m := startMailServer(t)
	r := mailRig(t, m)
	// A server that is busy gets the mail later; nothing is lost, nothing comes twice.
	m.setRefuse(&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"})
	r.signUpWithEmail("ada")
	r.post("forgot", map[string]string{"login": "ada"}).Want(http.StatusAccepted)
	testkit.Eventually(t, 10*time.Second, func() bool { _, refused := m.counts(); return refused >= 2 })
	m.setRefuse(nil)
	testkit.Eventually(t, 20*time.Second, func() bool { mails, _ := m.counts(); return mails == 1 })
	text := m.mails[0]
	for _, want := range []string{
		"From: \"ChatApp\" <chat@example.org>", "To: <ada@example.org>", "Subject: Choose a new password",
		"multipart/alternative", "text/plain", "text/html", "Auto-Submitted: auto-generated",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if log := r.log.String(); strings.Contains(log, "smtp-secret") || strings.Contains(log, "#token=") {
		t.Error("a secret is in the log")
	}
}

func TestMailRefusedForGood(t *testing.T) {
	m := startMailServer(t)
	r := mailRig(t, m)
	m.setRefuse(&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"})
	r.signUpWithEmail("ada")
	r.post("forgot", map[string]string{"login": "ada"}).Want(http.StatusAccepted)
	testkit.Eventually(t, 10*time.Second, func() bool { return r.rows("dead_letters") == 1 })
	m.setRefuse(nil)
	r.post("forgot", map[string]string{"login": "ada"}).Want(http.StatusAccepted)
	testkit.Eventually(t, 10*time.Second, func() bool { mails, _ := m.counts(); return mails == 1 })
}

// A link that is too old by the time the mail could be sent is not sent.
func TestLateMailIsNotSent(t *testing.T) {
	m := startMailServer(t)
	r := mailRig(t, m)
	m.setRefuse(&smtp.SMTPError{Code: 451, Message: "later"})
	r.signUpWithEmail("ada")
	r.post("forgot", map[string]string{"login": "ada"}).Want(http.StatusAccepted)
	testkit.Eventually(t, 10*time.Second, func() bool { _, refused := m.counts(); return refused >= 1 })
	r.clock.add(resetLife + time.Minute)
	m.setRefuse(nil)
	testkit.Eventually(t, 20*time.Second, func() bool { return strings.Contains(r.log.String(), "too late to be of use") })
	if mails, _ := m.counts(); mails != 0 {
		t.Error("it was sent")
	}
}

func TestLettersEscapeAndStayOnThePublicURL(t *testing.T) {
	l, err := write(events.MailRequested{
		Kind: string(mailReset), To: "a@example.org", Name: "<script>alert(1)</script>\r\nBcc: x@example.org", Token: "a&b", At: time.Now(),
	}, "https://chat.example.org")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(l.HTML, "<script>") || !strings.Contains(l.Text, "https://chat.example.org/reset#token=a%26b") || strings.Contains(l.Subject, "\n") {
		t.Errorf("%+v", l)
	}
	for kind := range wordings {
		if _, err := write(events.MailRequested{Kind: string(kind)}, ""); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := write(events.MailRequested{Kind: "else"}, ""); err == nil {
		t.Error("an unknown mail was written")
	}
}

func TestInbox(t *testing.T) {
	r := newRig(t, testkit.OpenSQLite(t, Migrations), testkit.Bus(t))
	r.signUpWithEmail("ada")
	r.post("forgot", map[string]string{"login": "ada"}).Want(http.StatusAccepted)
	r.mails(1)
	page := testkit.Do(t, r.svc.AdminRoutes()["/inbox"], testkit.NewRequest(t, http.MethodGet, "/inbox", "", nil)).Want(200)
	if !strings.Contains(string(page.Body), "/reset#token=") {
		t.Errorf("%s", page.Body)
	}
	// Never where others could open it.
	if away := newRig(t, testkit.OpenSQLite(t, Migrations), testkit.Bus(t), https); len(away.svc.AdminRoutes()) != 0 {
		t.Error("an installation that others reach has an inbox")
	}
}
