// Package e2e runs one table of scenarios on ChatApp in each of its shapes:
// the all-in-one, two all-in-ones on external NATS and MariaDB, and every
// service alone twice behind Caddy. Each shape starts once; the scenarios that
// break nothing run side by side on it, then the ones that break things run
// one after the other.
package e2e

import (
	"context"
	"slices"
	"testing"
	"time"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// scenario is one row of the table.
type scenario struct {
	name string
	run  func(t *testing.T, w *harness.World)
	only func(w *harness.World) bool // nil = every shape has what it needs
}

// peaceful scenarios share a shape at the same time: each signs its own people
// up and breaks nothing.
var peaceful = []scenario{
	{"main job: from sign-up to chat", mainJob, nil},
	{"every device of both parties is told", everyDevice, nil},
	{"a device that asks for ids gets ids", payloadID, nil},
	{"SSE reads the same log", serverSentEvents, nil},
	{"a device that was away resumes anywhere", resumeAnywhere, nil},
	{"pages lead to the first message", pagesToTheFirst, nil},
	{"a retry is the same message", retryIsSame, nil},
	{"a retry on two replicas at once is one message", retryOnTwoReplicas, nil},
	{"order comes from seq", orderBySeq, nil},
	{"a third person gets 404", thirdPerson, nil},
	{"logout closes the socket", logoutClosesSocket, nil},
	{"sessions work on every replica", sessionsEverywhere, nil},
	{"a profile change is seen everywhere", profileEverywhere, nil},
	{"typing reaches the other side only", typing, nil},
	{"reading clears the badge on every device", reading, nil},
	{"a note to oneself", noteToSelf, nil},
	{"messages are stored as given", storedAsGiven, nil},
	{"what must be refused is refused", refusals, nil},
	{"methods that are not allowed change nothing", methods, nil},
	{"bad handshakes and frames", badFrames, nil},
	{"the directory leaves the caller out", directory, nil},
	{"the operator's pages are not public", notPublic, nil},
	{"nobody does on the bus what another does", busRights, guarded},
	{"nobody reads or changes another's tables", databaseRights, guarded},
}

// faults run alone, in this order, after the peaceful ones. The shape behind the
// gateway is broken by TestFaults, in many more ways.
var faults = []scenario{
	{"browsers through the gateway", browserThroughGateway, func(w *harness.World) bool { return w.Gateway }},
	{"kill -9", killReplicas, whole},
	{"rolling restart", rollingRestart, whole},
	{"one broker node dies", brokerNode, external},
	{"kill -9 of the database", killDatabase, external},
	{"broker outage", brokerOutage, external},
	{"wiped broker", wipedBroker, whole},
}

// whole shapes run all of ChatApp in each process.
func whole(w *harness.World) bool { return !w.Gateway }

// external shapes are whole and have a broker and a database of their own to
// break.
func external(w *harness.World) bool { return whole(w) && w.NATS != nil && w.DB != nil }

func TestAllInOne(t *testing.T) { runTable(t, harness.AllInOne(t)) }
func TestReplicas(t *testing.T) { runTable(t, harness.Replicas(t)) }
func TestServices(t *testing.T) { runTable(t, harness.Services(t)) }

func runTable(t *testing.T, w *harness.World) {
	t.Run("peaceful", func(t *testing.T) {
		for _, s := range peaceful {
			if s.only == nil || s.only(w) {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					s.run(t, w)
				})
			}
		}
	})
	if t.Failed() {
		return // on a shape that does not even work in peace, faults tell nothing
	}
	for _, s := range faults {
		if s.only == nil || s.only(w) {
			t.Run(s.name, func(t *testing.T) { s.run(t, w) })
		}
	}
}

// within is the context of one wait: long enough for a busy machine, short
// enough to fail in the same minute.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// soon is how long anything may take that happens at once. It is generous: the
// all-in-one program runs with the race detector on two shared cores.
const soon = 20 * time.Second

// person signs a new person up at the first of the sites.
func person(t *testing.T, name string, sites ...client.Site) *client.Client {
	t.Helper()
	c := client.New(sites...)
	must(t, c.Register(within(t, soon), name+"-"+client.NewID()[:8]))
	return c
}

// device connects a device that goes away with the test.
func device(t *testing.T, c *client.Client, o client.Options) *client.Device {
	t.Helper()
	d, err := c.Connect(within(t, soon), o)
	must(t, err)
	t.Cleanup(d.Close)
	return d
}

// post sends one message with a fresh client_id and wants 201.
func post(t *testing.T, c *client.Client, to, body string) client.Message {
	t.Helper()
	m, status, err := c.Post(within(t, soon), to, client.NewID(), body)
	must(t, err)
	if status != 201 {
		t.Fatalf("POST answered %d", status)
	}
	return m
}

// must fails the test at once.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually asks until ok, or fails saying what did not happen.
func eventually(t *testing.T, what string, ok func() error) {
	t.Helper()
	ctx, tick := within(t, soon), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		err := ok()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

// byID makes the set of messages that Check and CheckHistory want.
func byID(messages ...client.Message) map[string]client.Message {
	set := map[string]client.Message{}
	for _, m := range messages {
		set[m.ID] = m
	}
	return set
}

// bodies lists the texts of messages.
func bodies(messages []client.Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, m.Body)
	}
	return all
}

// wantStatus wants an exact answer to one raw request.
func wantProblem(t *testing.T, err error, status int, slug string) {
	t.Helper()
	p, ok := err.(*client.Problem)
	if !ok || p.Status != status || p.Type != "/problems/"+slug {
		t.Errorf("got %v, want %d %s", err, status, slug)
	}
}

// usernames lists the usernames of people.
func usernames(people []client.User) []string {
	var all []string
	for _, u := range people {
		all = append(all, u.Username)
	}
	slices.Sort(all)
	return all
}
