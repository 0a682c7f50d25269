package auth

import (
	"context"
	"crypto/rand"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

const (
	minUsername    = 3
	maxUsername    = 32
	maxDisplayName = 64 // code points
	maxEmail       = 254
	maxEmailLocal  = 64

	// nameTries bounds the search for a free generated username.
	nameTries = 8
)

// reserved are names that would let a stranger pose as the service itself.
// Only CreateAdmin may take them.
var reserved = map[string]bool{
	"admin": true, "administrator": true, "root": true, "system": true, "support": true, "security": true,
	"moderator": true, operatorName: true, "chatapp": true, "everyone": true, "here": true, "all": true, "channel": true,
}

// Account is one person who can sign in.
type Account struct {
	ID          id.ID
	Username    string // canonical: lower-case, [a-z0-9._-]
	Email       string // as given, domain in lower case; "" = none
	DisplayName string
	Role        string // one of the roles of authn
	CreatedAt   time.Time

	emailKey string // what e-mail addresses are compared by
}

// Registration is what a person asks for when signing up.
type Registration struct {
	Username    string // "" = make one from the display name
	Email       string // "" = none
	Password    string
	DisplayName string // "" = the username
	Invitation  string // the secret of one; "" = none

	invitation *tokenHash // used up with the sign-up; see admission
}

// Register creates an account and its first session, and emits registered.
// Errors: invalid-body, invalid-text, weak-password, identifier-taken (the
// same text for username and e-mail), rate-limited, unavailable; forbidden or
// token-invalid where sign-up is closed or by invitation; and email-unconfirmed when the account was made and has to be confirmed first.
func (s *Service) Register(ctx context.Context, in Registration, from Client) (Grant, error) {
	acc, err := s.candidate(in)
	if err != nil {
		return Grant{}, err
	}
	if reserved[acc.Username] {
		return Grant{}, errTaken()
	}
	if err := s.admitSignUp(ctx, from.IP); err != nil {
		return Grant{}, err
	}
	if in.invitation, err = s.admission(ctx, in.Invitation); err != nil {
		return Grant{}, err
	}
	if s.confirmFirst() {
		return Grant{}, s.registerUnconfirmed(ctx, acc, in, from)
	}
	var grant Grant
	err = s.insertAccount(ctx, acc, in, func(acc Account, hash string) error {
		grant, err = s.storeNewAccount(ctx, acc, hash, in.invitation, from)
		return err
	})
	if err != nil {
		return Grant{}, err
	}
	s.count("register", "ok")
	return grant, nil
}

// CreateAdmin creates an account with the role admin and no session, for the
// command line, and emits registered. The reserved names are open to it.
// Errors: those of Register.
func (s *Service) CreateAdmin(ctx context.Context, username, password, displayName string) error {
	in := Registration{Username: username, Password: password, DisplayName: displayName}
	acc, err := s.candidate(in)
	if err != nil {
		return err
	}
	acc.Role = authn.RoleAdmin
	return s.insertAccount(ctx, acc, in, func(acc Account, hash string) error {
		return s.storeAdmin(ctx, acc, hash)
	})
}

// UsernameAvailable canonicalises name and says whether nobody has it. Error:
// invalid-parameter when it could never be a username.
func (s *Service) UsernameAvailable(ctx context.Context, name string) (canonical string, free bool, err error) {
	canonical, problem := canonicalUsername(name)
	if problem != "" {
		e := errs.New(errs.InvalidParameter, problem)
		e.Fields = []errs.Field{{Location: "path.username", Message: problem}}
		return "", false, e
	}
	if reserved[canonical] {
		return canonical, false, nil
	}
	taken, err := s.store.identifierTaken(ctx, canonical, "")
	return canonical, !taken, err
}

// candidate checks a registration and makes the account it asks for. The
// username stays empty when one has to be generated.
func (s *Service) candidate(in Registration) (Account, error) {
	acc := Account{ID: id.New(), Role: authn.RoleUser, CreatedAt: s.now()}
	if in.Username == "" && in.Email == "" {
		return acc, errs.Invalid("body.username", "Give a username or an e-mail address.")
	}
	if in.Username != "" {
		name, problem := canonicalUsername(in.Username)
		if problem != "" {
			return acc, errs.Invalid("body.username", problem)
		}
		acc.Username = name
	}
	if in.Email != "" {
		shown, key, problem := canonicalEmail(in.Email)
		if problem != "" {
			return acc, errs.Invalid("body.email", problem)
		}
		acc.Email, acc.emailKey = shown, key
	}
	var err error
	if acc.DisplayName, err = canonicalDisplayName(in.DisplayName); err != nil {
		return acc, err
	}
	return acc, checkPassword(in.Password, acc)
}

// insertAccount finds the account a free username when it has none, hashes
// the password and calls store. A name that is taken meanwhile is an error
// only when the person chose it.
func (s *Service) insertAccount(ctx context.Context, acc Account, in Registration, store func(Account, string) error) error {
	chosen := acc.Username != ""
	if taken, err := s.store.identifierTaken(ctx, acc.Username, acc.emailKey); err != nil || taken {
		return firstError(err, errTaken()) // before the hash: a taken name is the common case
	}
	hash, err := s.hasher.hash(ctx, in.Password)
	if err != nil {
		return err
	}
	for try := range nameTries {
		if !chosen {
			acc.Username = generateUsername(acc.DisplayName, in.Password, try)
		}
		full := acc
		if full.DisplayName == "" {
			full.DisplayName = full.Username
		}
		err = store(full, hash)
		if chosen || !errs.Is(err, errs.IdentifierTaken) {
			return err
		}
		if taken, terr := s.store.identifierTaken(ctx, "", acc.emailKey); terr != nil || taken {
			return firstError(terr, err)
		}
	}
	return err
}

// canonicalUsername is the one spelling of a username, or a sentence about
// what is wrong with it. Plain ASCII keeps look-alikes out.
func canonicalUsername(in string) (name, problem string) {
	name = strings.ToLower(in)
	if len(name) < minUsername || len(name) > maxUsername {
		return "", "A username has 3 to 32 characters."
	}
	for i := range len(name) {
		c := name[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		switch {
		case alnum:
		case i == 0:
			return "", "A username starts with a letter (a-z) or a digit."
		case c != '.' && c != '_' && c != '-':
			return "", "A username may hold only letters (a-z), digits, dots, dashes and underscores."
		}
	}
	return name, ""
}

// canonicalEmail checks an address and returns it as it is shown (domain in
// lower case) and as it is compared (all lower case, domain in ASCII).
func canonicalEmail(in string) (shown, key, problem string) {
	const bad = "This is not a valid e-mail address."
	in = strings.TrimSpace(in)
	parsed, err := mail.ParseAddress(in)
	if err != nil || parsed.Address != in || len(in) > maxEmail {
		return "", "", bad
	}
	at := strings.LastIndexByte(in, '@')
	local, domain := in[:at], strings.ToLower(in[at+1:])
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !plainDomain(ascii) || len(local) > maxEmailLocal || !plainLocal(local) {
		return "", "", bad
	}
	key = strings.ToLower(local) + "@" + ascii
	if len(key) > maxEmail {
		return "", "", bad
	}
	return local + "@" + domain, key, ""
}

// plainLocal refuses quoted and non-ASCII local parts: legal on paper, refused
// by most mail servers, and a source of two names for one mailbox.
func plainLocal(local string) bool {
	for _, c := range local {
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", c) {
			return false
		}
	}
	return local != ""
}

// plainDomain wants two labels or more, each as long as DNS allows: what idna maps
// to ASCII may have turned out to be empty.
func plainDomain(ascii string) bool {
	labels := strings.Split(ascii, ".")
	return len(labels) > 1 && !slices.ContainsFunc(labels, func(l string) bool { return l == "" || len(l) > 63 })
}

// canonicalDisplayName trims and normalises; "" stays "". Errors: invalid-text
// for text that cannot be shown on one line, invalid-body for its length.
func canonicalDisplayName(in string) (string, error) {
	if !utf8.ValidString(in) {
		return "", errs.New(errs.InvalidText, "The display name is not valid text.")
	}
	name := strings.TrimSpace(norm.NFC.String(in))
	for _, r := range name {
		if unicode.IsControl(r) || isBidiControl(r) || r == '\u2028' || r == '\u2029' {
			e := errs.New(errs.InvalidText, "The display name holds characters that cannot be shown.")
			e.Fields = []errs.Field{{Location: "body.display_name", Message: e.Detail}}
			return "", e
		}
	}
	if utf8.RuneCountInString(name) > maxDisplayName {
		return "", errs.Invalid("body.display_name", "A display name has at most 64 characters.")
	}
	if in != "" && !strings.ContainsFunc(name, unicode.IsGraphic) {
		return "", errs.Invalid("body.display_name", "The display name is empty.")
	}
	return name, nil
}

// isBidiControl finds the characters that turn the rest of a line around.
func isBidiControl(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// generateUsername makes a username of a display name, random where that gives
// none. Never of the e-mail address: usernames are public.
func generateUsername(displayName, password string, try int) string {
	base := asciiSlug(displayName)
	if len(base) < minUsername || reserved[base] || strings.Contains(strings.ToLower(password), base) {
		return "user-" + randomSuffix(8)
	}
	if try == 0 {
		return base
	}
	return base + "-" + randomSuffix(4)
}

// asciiSlug keeps letters and digits, accents dropped, words joined by dots;
// short enough to leave room for a suffix.
func asciiSlug(s string) string {
	var b strings.Builder
	dot := false
	for _, r := range strings.ToLower(norm.NFKD.String(s)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if dot && b.Len() > 0 {
				b.WriteByte('.')
			}
			dot = false
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		default:
			dot = true
		}
		if b.Len() >= maxUsername-6 {
			break
		}
	}
	return b.String()
}

func randomSuffix(n int) string { return strings.ToLower(rand.Text()[:n]) }

func errTaken() error {
	return errs.New(errs.IdentifierTaken, "That username or e-mail address is already in use.")
}

// firstError returns err, or fallback when there is none.
func firstError(err, fallback error) error {
	if err != nil {
		return err
	}
	return fallback
}
