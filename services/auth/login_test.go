package auth

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatapp/libs/errs"
)

func TestLoginLimits(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUp("ada")
		wrong := map[string]string{"login": "ada", "password": "wrong password"}
		for range pairFree {
			r.post("login", wrong).WantProblem(errs.Unauthenticated)
		}
		hashes := r.svc.hasher.computed.Load()
		for _, password := range []string{"wrong password", goodPassword} {
			res := r.post("login", map[string]string{"login": "ada", "password": password})
			res.WantProblem(errs.RateLimited)
			if after := res.Header.Get("Retry-After"); after != "10" {
				t.Errorf("Retry-After %q, want 10", after)
			}
		}
		// Names that do not exist are limited alike.
		for range pairFree {
			r.post("login", map[string]string{"login": "ghost", "password": "x"}).WantProblem(errs.Unauthenticated)
		}
		r.post("login", map[string]string{"login": "ghost", "password": "x"}).WantProblem(errs.RateLimited)
		if n := r.svc.hasher.computed.Load() - hashes; n != pairFree {
			t.Errorf("%d hashes, want %d: limited attempts cost none", n, pairFree)
		}
		r.clock.add(11 * time.Second)
		r.post("login", map[string]string{"login": "ada", "password": goodPassword}).Want(200)
		r.post("login", wrong).WantProblem(errs.Unauthenticated) // forgiven: counting starts anew
		r.events.Expect(t)
		got := r.audited()
		if n := len(slices.DeleteFunc(got, func(e string) bool { return e != "login-limited" })); n != 2 {
			t.Errorf("%d login-limited rows, want 2", n)
		}
	})
}

// A burst of guesses must not pass on one look at the counters.
func TestLoginBurst(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUp("ada")
		const burst = 40
		status := make([]int, burst)
		var wg sync.WaitGroup
		for i := range status {
			wg.Go(func() {
				status[i] = r.post("login", map[string]string{"login": "ada", "password": "wrong password"}).Status
			})
		}
		wg.Wait()
		count := map[int]int{}
		for _, s := range status {
			count[s]++
		}
		if count[401] != pairFree || count[429] != burst-pairFree {
			t.Errorf("answers %v, want %d x 401 and the rest 429", count, pairFree)
		}
	})
}

func TestAddressLimit(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUp("ada")
		for range 3 {
			r.post("login", map[string]string{"login": "ada", "password": goodPassword}).Want(200)
		}
		res := r.post("login", map[string]string{"login": "ada", "password": goodPassword})
		res.WantProblem(errs.RateLimited)
		if res.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		for i := range 3*signUpFactor - 1 {
			r.post("register", map[string]string{"username": "user" + string(rune('a'+i)), "password": goodPassword}).Want(201)
		}
		r.post("register", map[string]string{"username": "one.more", "password": goodPassword}).WantProblem(errs.RateLimited)
		r.clock.add(ipWindow)
		r.post("login", map[string]string{"login": "ada", "password": goodPassword}).Want(200)
		r.post("register", map[string]string{"username": "one.more", "password": goodPassword}).Want(201)
	}, perIP(3))
}

func TestBusyHashingIsNoFailure(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUp("ada")
		release, err := r.svc.hasher.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release2, err := r.svc.hasher.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.svc.hasher.queue = time.Millisecond
		for range 2 * pairFree {
			res := r.post("login", map[string]string{"login": "ada", "password": goodPassword})
			res.WantProblem(errs.Unavailable)
			if res.Header.Get("Retry-After") == "" {
				t.Fatal("no Retry-After")
			}
		}
		release()
		release2()
		r.svc.hasher.queue = 5 * time.Second
		r.post("login", map[string]string{"login": "ada", "password": goodPassword}).Want(200)
		r.events.Expect(t)
	})
}

func TestRehashWhenParametersRise(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUp("ada")
		stored := func() (phc string) {
			if err := r.db.R.Table("credentials").Select("password_hash").Take(&phc).Error; err != nil {
				t.Fatal(err)
			}
			return phc
		}
		before := stored()
		stronger := cheap
		stronger.Iterations = 2
		r.svc.hasher = newHasher(stronger, 2, 5*time.Second)
		r.post("login", map[string]string{"login": "ada", "password": "wrong password"}).Want(401)
		if stored() != before {
			t.Fatal("a wrong password changed the hash")
		}
		r.post("login", map[string]string{"login": "ada", "password": goodPassword}).Want(200)
		if after := stored(); after == before || !strings.Contains(after, "t=2") {
			t.Errorf("hash %q", after)
		}
		r.post("login", map[string]string{"login": "ada", "password": goodPassword}).Want(200)
	})
}
