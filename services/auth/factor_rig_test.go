package auth

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"chatapp/libs/errs"
	"chatapp/libs/testkit"
)

// app is an app that shows codes.
type app struct {
	r      *rig
	secret string
}

// at is the code at some steps from now.
func (a app) at(steps int) string {
	a.r.t.Helper()
	code, err := totp.GenerateCode(a.secret, a.r.clock.now().Add(time.Duration(steps)*stepSeconds*time.Second))
	if err != nil {
		a.r.t.Fatal(err)
	}
	return code
}

// wrong is six digits that are right at no time near now.
func (a app) wrong() string {
	good := []string{a.at(-2), a.at(-1), a.at(0), a.at(1), a.at(2)}
	for n := range 10 {
		if code := fmt.Sprintf("%06d", n); !slices.Contains(good, code) {
			return code
		}
	}
	return ""
}

// next lets the time of the last code pass.
func (a app) next() string {
	a.r.nextStep()
	return a.at(0)
}

// nextStep goes to the beginning of the next time step, so that no test meets
// the end of one by chance. The first is in the past: tokens of the future are
// not accepted.
func (r *rig) nextStep() {
	const step = stepSeconds * time.Second
	if r.clock.skew.Load() == 0 {
		r.clock.add(-5 * step)
	}
	now := r.clock.now()
	r.clock.add(now.Truncate(step).Add(step + time.Second).Sub(now))
}

func confirmed() map[string]any { return map[string]any{"current_password": goodPassword} }

// with adds a field to a body.
func with(body map[string]any, name string, value any) map[string]any {
	body[name] = value
	return body
}

func login(name string) map[string]string {
	return map[string]string{"login": name, "password": goodPassword}
}

// enrol turns an app on and returns it with the recovery codes.
func (r *rig) enrol(s signedIn, confirmation map[string]any) (app, []string) {
	r.t.Helper()
	r.nextStep()
	var made struct{ Secret, URI string }
	r.post("factors/totp", confirmation, bearer(s.AccessToken)).Want(200).JSON(&made)
	a := app{r: r, secret: made.Secret}
	var codes CodesBody
	r.post("factors/totp/activate", map[string]string{"code": a.at(0)}, bearer(s.AccessToken)).Want(200).JSON(&codes)
	return a, codes.RecoveryCodes
}

// addPasskey registers a passkey and returns it with the recovery codes.
func (r *rig) addPasskey(s signedIn, confirmation map[string]any) (*softKey, []string) {
	r.t.Helper()
	key := newSoftKey(r.t)
	options := r.options("passkeys/register/begin", confirmation, bearer(s.AccessToken))
	var made struct {
		Passkey PasskeyItem
		CodesBody
	}
	r.post("passkeys/register/finish", map[string]any{"credential": key.create(options)}, bearer(s.AccessToken)).Want(200).JSON(&made)
	return key, made.RecoveryCodes
}

func (r *rig) options(path string, body any, headers ...header) json.RawMessage {
	r.t.Helper()
	var o struct {
		PublicKey json.RawMessage `json:"public_key"`
	}
	r.post(path, body, headers...).Want(200).JSON(&o)
	return o.PublicKey
}

type nextStep struct {
	Challenge string
	Methods   []string
}

// half is a sign-in that waits for its second step.
func (r *rig) half(name string) nextStep {
	r.t.Helper()
	res := r.post("login", login(name))
	res.WantProblem(errs.SecondFactorRequired)
	if setCookie(r.t, res) != nil {
		r.t.Error("a cookie before the second step")
	}
	var step nextStep
	res.JSON(&step)
	return step
}

func (r *rig) second(challenge, field string, value any) *testkit.Response {
	r.t.Helper()
	return r.post("login/second", map[string]any{"challenge": challenge, field: value})
}

func (r *rig) factors(s signedIn) FactorsBody {
	r.t.Helper()
	var f FactorsBody
	r.call("GET", "/api/v1/auth/factors", nil, bearer(s.AccessToken)).Want(200).JSON(&f)
	return f
}

// liveSessions counts the sessions that are not over.
func (r *rig) liveSessions() int64 {
	r.t.Helper()
	var n int64
	if err := r.db.R.Table("sessions").Where("revoked_at IS NULL").Count(&n).Error; err != nil {
		r.t.Fatal(err)
	}
	return n
}

func TestMatchCode(t *testing.T) {
	seed := []byte("12345678901234567890") // RFC 6238, appendix B
	for unix, code := range map[int64]string{59: "287082", 1111111109: "081804", 20000000000: "353130"} {
		if step, ok := matchCode(seed, code, time.Unix(unix, 0)); !ok || step != unix/stepSeconds {
			t.Errorf("%d: %d %v", unix, step, ok)
		}
		if _, ok := matchCode(seed, " "+code[:3]+" "+code[3:], time.Unix(unix, 0)); !ok {
			t.Errorf("%d: not with spaces", unix)
		}
	}
	if _, ok := matchCode(nil, "328482", time.Unix(0, 0)); ok {
		t.Error("no seed has a code")
	}
	if secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed); len(secret) != 32 {
		t.Errorf("%q", secret)
	}
}
