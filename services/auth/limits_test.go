package auth

import (
	"fmt"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// board is the counters as the database would keep them.
type board map[[32]byte]counter

func (b board) try(name, ip string, now time.Time, success bool) time.Duration {
	const perIP = 20
	a := newAttempt(name, ip)
	a.load(b, now)
	if wait := a.wait(now, perIP); wait > 0 {
		return wait
	}
	a.reserve(now)
	if success {
		a.release(true, now)
	}
	for _, c := range a.counters() {
		b[c.Key] = *c
	}
	return 0
}

func TestFiveFailuresThenGrowingPauses(t *testing.T) {
	b, now := board{}, noon
	for i := range 5 {
		if wait := b.try("ada", "1.2.3.4", now, false); wait != 0 {
			t.Fatalf("failure %d has to wait %v", i+1, wait)
		}
	}
	for i, want := range []time.Duration{10, 20, 40, 80, 160, 180, 180} {
		want *= time.Second
		if wait := b.try("ada", "1.2.3.4", now, true); wait != want {
			t.Fatalf("pause %d is %v, want %v, also with the right password", i+1, wait, want)
		}
		now = now.Add(want)
		if wait := b.try("ada", "1.2.3.4", now, false); wait != 0 {
			t.Fatalf("after pause %d: %v", i+1, wait)
		}
	}
	now = now.Add(failureWindow)
	for i := range 5 {
		if wait := b.try("ada", "1.2.3.4", now, false); wait != 0 {
			t.Fatalf("a quarter of an hour later, failure %d: %v", i+1, wait)
		}
	}
}

func TestSuccessForgetsFailures(t *testing.T) {
	b, now := board{}, noon
	for i := range 4 {
		b.try("ada", "1.2.3.4", now, false)
		if wait := b.try("ada", "1.2.3.4", now, true); wait != 0 {
			t.Fatalf("round %d: %v", i, wait)
		}
	}
}

// Strangers at a thousand addresses hammer on one account. The owner gets in
// at once from home, and from anywhere new with the first attempt.
func TestStrangersCannotLockTheOwnerOut(t *testing.T) {
	b, now := board{}, noon
	if wait := b.try("ada", "9.9.9.9", now, true); wait != 0 {
		t.Fatal(wait)
	}
	refused := 0
	for i := range 3000 {
		now = now.Add(100 * time.Millisecond)
		if wait := b.try("ada", fmt.Sprintf("10.0.%d.%d", i%1000/256, i%256), now, false); wait > 0 {
			refused++
			if wait > nameLongest && wait > pairLongest {
				t.Fatalf("a pause of %v", wait)
			}
		}
		if i%500 == 499 {
			if wait := b.try("ada", "9.9.9.9", now, true); wait != 0 {
				t.Fatalf("the owner at home has to wait %v", wait)
			}
			if wait := b.try("ada", fmt.Sprintf("8.8.8.%d", i/500), now, true); wait != 0 {
				t.Fatalf("the owner on a journey has to wait %v", wait)
			}
		}
	}
	if refused < 500 {
		t.Errorf("only %d of 3000 attempts were refused", refused)
	}
}

func TestNamesDoNotDisturbEachOther(t *testing.T) {
	b := board{}
	for range 5 {
		b.try("ada", "1.2.3.4", noon, false)
	}
	if wait := b.try("bob", "1.2.3.4", noon, true); wait != 0 {
		t.Errorf("bob behind the same address has to wait %v", wait)
	}
}

func TestAddressesHaveABudgetPerMinute(t *testing.T) {
	b := board{}
	for i := range 20 {
		if wait := b.try(fmt.Sprint("user", i), "1.2.3.4", noon.Add(time.Duration(i)*time.Second), true); wait != 0 {
			t.Fatalf("attempt %d: %v", i+1, wait)
		}
	}
	if wait := b.try("user21", "1.2.3.4", noon.Add(20*time.Second), true); wait != 40*time.Second {
		t.Errorf("attempt 21 has to wait %v, want the rest of the minute", wait)
	}
	if wait := b.try("user21", "1.2.3.5", noon.Add(20*time.Second), true); wait != 0 {
		t.Errorf("another address has to wait %v", wait)
	}
	if wait := b.try("user21", "1.2.3.4", noon.Add(time.Minute), true); wait != 0 {
		t.Errorf("a minute later: %v", wait)
	}
}

func TestNetworks(t *testing.T) {
	for in, want := range map[string]string{
		"1.2.3.4": "1.2.3.4", "::ffff:1.2.3.4": "1.2.3.4", "2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "": "", "@": "@",
	} {
		if got := network(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
