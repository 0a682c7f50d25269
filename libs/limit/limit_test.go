package limit

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/config"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// limiter is one with a clock of its own.
func limiter(r Rates, m prometheus.Registerer) (*Limiter, *time.Time) {
	r.On = true
	l := New("test", r, m)
	at := time.Unix(1_800_000_000, 0)
	l.now = func() time.Time { return at }
	return l, &at
}

// exhaust takes until it is refused, once.
func exhaust(l *Limiter, c Class, who Key) {
	for allowed := true; allowed; {
		allowed = l.Check(c, who) == nil
	}
}

var some = Rates{PerAccount: 20, PerIP: 5, Contacts: 12}

// A burst goes through, what follows waits as long as it is told and no longer.
func TestTakeUntilEmptyAndAgain(t *testing.T) {
	l, at := limiter(some, nil)
	who := Account(id.New())
	for i := range 80 {
		if err := l.Check(Read, who); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	err := l.Check(Read, who)
	if !errs.Is(err, errs.RateLimited) || errs.Of(err).RetryAfter != 50*time.Millisecond {
		t.Fatalf("after the burst: %v, wait %v; want 50 ms", err, errs.Of(err).RetryAfter)
	}
	if got := errs.Of(err).Detail; got != "Too many requests. Try again in a second." {
		t.Errorf("said %q", got)
	}
	*at = at.Add(49 * time.Millisecond)
	if l.Check(Read, who) == nil {
		t.Error("allowed before the pause was over")
	}
	*at = at.Add(time.Millisecond)
	if err := l.Check(Read, who); err != nil {
		t.Errorf("refused after the pause: %v", err)
	}
	*at = at.Add(time.Hour)
	for i := range 80 {
		if err := l.Check(Read, who); err != nil {
			t.Fatalf("request %d after an hour: %v", i, err)
		}
	}
	if l.Check(Read, who) == nil {
		t.Error("a bucket grew beyond its burst")
	}
}

// One caller's flood is nobody else's, and one class's not another's.
func TestBucketsAreApart(t *testing.T) {
	l, _ := limiter(some, nil)
	who := Account(id.New())
	exhaust(l, Search, who)
	for _, c := range []Class{Read, Write, Expensive, Connect, Contact} {
		if err := l.Check(c, who); err != nil {
			t.Errorf("%s is limited by searches: %v", c, err)
		}
	}
	if err := l.Check(Search, Account(id.New())); err != nil {
		t.Errorf("another account: %v", err)
	}
}

func TestNetwork(t *testing.T) {
	same := [][2]string{
		{"192.0.2.1", "::ffff:192.0.2.1"},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9"},
		{"fe80::1%eth0", "fe80::2%eth1"},
	}
	for _, c := range same {
		if Network(c[0]) != Network(c[1]) {
			t.Errorf("%s and %s are counted apart", c[0], c[1])
		}
	}
	apart := [][2]string{{"192.0.2.1", "192.0.2.2"}, {"2001:db8:1:2::1", "2001:db8:1:3::1"}, {"192.0.2.1", "not an address"}}
	for _, c := range apart {
		if Network(c[0]) == Network(c[1]) {
			t.Errorf("%s and %s are counted together", c[0], c[1])
		}
	}
}

// However many callers come, memory is bounded, and whoever has just used up a
// budget does not get a new one by that.
func TestForgetsTheFullest(t *testing.T) {
	l, at := limiter(some, nil)
	l.table = newTable(parts * 20)
	who := Network("192.0.2.1")
	exhaust(l, Anonymous, who)
	for range parts * 20 * 20 {
		*at = at.Add(time.Microsecond)
		if err := l.Check(Anonymous, Key(id.New())); err != nil {
			t.Fatalf("a new caller is refused: %v", err)
		}
	}
	if n := l.table.size(); n > parts*20 {
		t.Errorf("%d buckets, at most %d were wanted", n, parts*20)
	}
	if l.Check(Anonymous, who) == nil {
		t.Error("a bucket that was empty is full again: other callers pushed it out")
	}
}

// The fields are those of draft-ietf-httpapi-ratelimit-headers-10.
func TestAnnounce(t *testing.T) {
	l, _ := limiter(some, nil)
	who := Account(id.New())
	h := http.Header{}
	l.Announce(h, l.Take(Search, who))
	if got := h.Get("RateLimit-Policy"); got != `"search";q=10;w=5` {
		t.Errorf("RateLimit-Policy: %s", got)
	}
	if got := h.Get("RateLimit"); got != `"search";r=9;t=1` {
		t.Errorf("RateLimit: %s", got)
	}
	for range 10 {
		l.Announce(h, l.Take(Search, who))
	}
	if got := h.Get("RateLimit"); got != `"search";r=0;t=5` {
		t.Errorf("RateLimit of an empty bucket: %s", got)
	}
}

// A limit of a million has no table of answers, and the same answers.
func TestLargeLimit(t *testing.T) {
	l, _ := limiter(Rates{PerAccount: 1_000_000, PerIP: 1, Contacts: 1}, nil)
	h := http.Header{}
	l.Announce(h, l.Take(Read, Account(id.New())))
	if got := h.Get("RateLimit"); got != `"read";r=3999999;t=1` {
		t.Errorf("RateLimit: %s", got)
	}
}

func TestOff(t *testing.T) {
	l := New("test", FromConfig(config.Config{}), nil)
	h := http.Header{}
	for range 10_000 {
		v := l.Take(Expensive, Key{})
		l.Announce(h, v)
		if err := v.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if len(h) > 0 {
		t.Errorf("announces %v", h)
	}
}

// What the settings say is what every class gets.
func TestFromConfig(t *testing.T) {
	l := New("test", FromConfig(config.Default()), nil)
	for c, want := range map[Class]string{
		Read: `"read";q=400;w=4`, Write: `"write";q=200;w=4`, Search: `"search";q=40;w=4`, Expensive: `"expensive";q=10;w=5`,
		Connect: `"connect";q=20;w=4`, Contact: `"contact";q=30;w=60`, Anonymous: `"anonymous";q=200;w=4`,
	} {
		if got := l.policies[c].field[0]; got != want {
			t.Errorf("%s: %s, want %s", c, got, want)
		}
	}
}

func TestCounted(t *testing.T) {
	m := prometheus.NewRegistry()
	l, _ := limiter(some, m)
	other, _ := limiter(some, m) // a second service of the process
	for _, one := range []*Limiter{l, other} {
		exhaust(one, Write, Key{})
	}
	families, err := m.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "chat_http_limited_total" || len(families[0].GetMetric()) != int(classes) {
		t.Fatalf("want one series for each class, got %v (%v)", families, err)
	}
	for _, series := range families[0].GetMetric() {
		want := 0.0
		if series.GetLabel()[0].GetValue() == "write" {
			want = 2
		}
		if got := series.GetCounter().GetValue(); got != want {
			t.Errorf("%v: %v, want %v", series.GetLabel(), got, want)
		}
	}
}

// Parallel requests do not get more than the budget.
func TestParallel(t *testing.T) {
	l, _ := limiter(some, nil)
	who := Account(id.New())
	var wait sync.WaitGroup
	allowed := make([]int, 8)
	for i := range allowed {
		wait.Go(func() {
			for range 100 {
				if l.Check(Read, who) == nil {
					allowed[i]++
				}
			}
		})
	}
	wait.Wait()
	sum := 0
	for _, n := range allowed {
		sum += n
	}
	if sum != 80 {
		t.Errorf("%d were allowed, want 80", sum)
	}
}

// One request must cost next to nothing, and no memory.
func TestTakeDoesNotAllocate(t *testing.T) {
	l := New("test", Rates{On: true, PerAccount: 1_000, PerIP: 5, Contacts: 12}, nil)
	who := Account(id.New())
	h := http.Header{}
	l.Announce(h, l.Take(Read, who))
	if n := testing.AllocsPerRun(1000, func() { l.Announce(h, l.Take(Read, who)) }); n > 0 {
		t.Errorf("%v allocations a request", n)
	}
}

func BenchmarkTake(b *testing.B) {
	l := New("test", Rates{On: true, PerAccount: 1_000, PerIP: 5, Contacts: 12}, nil)
	keys := make([]Key, 1000)
	for i := range keys {
		keys[i] = Account(id.New())
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		h := http.Header{}
		for i := 0; pb.Next(); i++ {
			l.Announce(h, l.Take(Write, keys[i%len(keys)]))
		}
	})
}

// The worst case: every request is of a new caller, and the table is full.
func BenchmarkTakeNew(b *testing.B) {
	l := New("test", Rates{On: true, PerAccount: 1_000, PerIP: 5, Contacts: 12}, nil)
	l.table = newTable(parts * 100)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_ = l.Check(Anonymous, Key{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)})
	}
}
