package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// TestRestore goes back to a backup that was taken while people wrote, and shows
// that their devices notice (I22): each loads anew and then shows what the server
// has, also one that slept until the new history was longer than what it knew.
func TestRestore(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		w := harness.AllInOne(t)
		file, app := filepath.Join(t.TempDir(), "chatapp.backup"), w.Apps()[0]
		restore(t, w,
			func(ctx context.Context) error { return app.Command(ctx, "backup", file) },
			func(ctx context.Context) error { return app.Command(ctx, "restore", "--replace", file) })
	})
	t.Run("MariaDB", func(t *testing.T) {
		w := harness.Replicas(t)
		dir := t.TempDir()
		// The order is that of `chatapp backup`: what refers to something first.
		each := func(ctx context.Context, do func(_ context.Context, schema, file string) error) error {
			for _, schema := range []string{"chat_messages", "chat_users", "chat_auth"} {
				if err := do(ctx, schema, filepath.Join(dir, schema+".sql")); err != nil {
					return err
				}
			}
			return nil
		}
		restore(t, w,
			func(ctx context.Context) error { return each(ctx, w.DB.Dump) },
			func(ctx context.Context) error {
				if err := each(ctx, w.DB.Load); err != nil {
					return err
				}
				return w.Apps()[0].Command(ctx, "new-epoch")
			})
	})
}

// restore is the test on one world: save is called while it runs, putBack while
// nothing of ours does.
func restore(t *testing.T, w *harness.World, save, putBack func(context.Context) error) {
	ada, bob := person(t, "ada", w.Sites...), person(t, "bob", w.Sites...)
	first := post(t, ada, bob.ID(), harness.SecretBody)
	conversation := first.ConversationID
	asleep := device(t, bob, client.Options{})
	awake := map[*client.Device]*client.Client{
		device(t, ada, client.Options{}): ada, device(t, ada, client.Options{}): ada, device(t, bob, client.Options{}): bob,
	}
	talk := talking(t, ada, bob)
	arrive := func(n int) {
		t.Helper()
		must(t, asleep.WaitMessages(within(t, soon), len(asleep.View().Messages)+n))
	}
	arrive(20)
	began := time.Now()
	must(t, save(within(t, soon)))
	arrive(20)
	asleep.Close()
	known := asleep.View().Cursor

	for _, p := range w.Apps() {
		must(t, p.Stop(within(t, soon)))
	}
	stopped := time.Now()
	must(t, putBack(within(t, soon)))
	for _, p := range w.Apps() {
		must(t, p.Start(within(t, 3*soon)))
	}

	shown := map[*client.Device]map[string]client.Message{} // what a person sees
	for d, c := range awake {
		shown[d] = loadAnew(t, d, c, conversation)
	}
	eventually(t, "a log longer than what a sleeping device knows", func() error { return longer(t, bob, known) })
	woken := device(t, bob, client.Options{Cursor: known})
	awake[woken] = bob
	shown[woken] = loadAnew(t, woken, bob, conversation)

	accepted := talk()
	history, err := ada.History(within(t, soon), conversation, 100)
	must(t, err)
	there, want := byID(history...), byID(first)
	for _, a := range accepted {
		// What was accepted from the start of the backup to the stop may be lost.
		if _, ok := there[a.ID]; ok || a.at.Before(began) || a.at.After(stopped) {
			want[a.ID] = a.Message
		}
	}
	undone := len(accepted) + 1 - len(there)
	if undone == 0 {
		t.Error("the restore undid nothing, so this has shown nothing")
	}
	t.Logf("%d messages accepted, %d of them undone by the restore", len(accepted)+1, undone)
	for d, c := range awake {
		must(t, c.CheckHistory(within(t, soon), conversation, want))
		converges(t, d, c, shown[d], there)
	}
}

// longer wants the log of c to have more entries than a device with the cursor
// known can have seen, so that the number alone does not tell it from a good one.
func longer(t *testing.T, c *client.Client, known string) error {
	t.Helper()
	_, head, err := c.Events(within(t, soon), "")
	must(t, err)
	_, has, err := client.ParseCursor(head)
	must(t, err)
	_, had, err := client.ParseCursor(known)
	must(t, err)
	if has <= had {
		return fmt.Errorf("the log is at %s, the device at %s", head, known)
	}
	return nil
}

// loadAnew waits until a device was told to resync and does what an app then
// does: it forgets what it had and loads the conversation.
func loadAnew(t *testing.T, d *client.Device, c *client.Client, conversation string) map[string]client.Message {
	t.Helper()
	must(t, d.Wait(within(t, soon), "a resync", func(v client.View) bool { return v.Resyncs > 0 }))
	history, err := c.History(within(t, soon), conversation, 100)
	must(t, err)
	return byID(history...)
}

// converges wants a device to show what is there, when it has seen all: what it
// loaded and what came after its resync.
func converges(t *testing.T, d *client.Device, c *client.Client, shown, there map[string]client.Message) {
	t.Helper()
	log, head, err := c.Events(within(t, soon), "")
	must(t, err)
	must(t, d.Wait(within(t, soon), "the end of the log, "+head, func(v client.View) bool { return v.Cursor == head }))
	v := d.View()
	if len(v.Faults) > 0 || v.Resyncs != 1 || v.Duplicates > 0 {
		t.Errorf("faults %v, %d resyncs, %d duplicates", v.Faults, v.Resyncs, v.Duplicates)
	}
	epoch, _, err := client.ParseCursor(head)
	must(t, err)
	for _, e := range v.Entries {
		if of, _, _ := client.ParseCursor(e.Cursor); of != epoch {
			continue // forgotten
		}
		if m, ok := e.Message(); ok {
			shown[m.ID] = m
		}
	}
	for id := range there {
		if _, ok := shown[id]; !ok {
			t.Errorf("a silent hole: the device does not show seq %d", there[id].Seq)
		}
	}
	for id, m := range shown {
		if _, ok := there[id]; !ok {
			t.Errorf("the device shows seq %d, which the server does not have", m.Seq)
		}
	}
	if len(log) < len(there) {
		t.Errorf("%d entries in the log for %d messages", len(log), len(there))
	}
}

// accepted is a message and when its sender knew that it is kept.
type accepted struct {
	client.Message
	at time.Time
}

// talking lets two people write to each other, as apps do: the same message again
// until it is accepted. The returned function ends that, and returns what was.
func talking(t *testing.T, ada, bob *client.Client) func() []accepted {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var all []accepted
	write := func(from, to *client.Client) {
		pace := time.NewTicker(20 * time.Millisecond)
		defer pace.Stop()
		for ctx.Err() == nil {
			m, _, err := from.PostUntil(t.Context(), to.ID(), client.NewID(), harness.SecretBody)
			if err != nil {
				t.Errorf("post: %v", err)
				return
			}
			mu.Lock()
			all = append(all, accepted{m, time.Now()})
			mu.Unlock()
			select {
			case <-pace.C:
			case <-ctx.Done():
			}
		}
	}
	wg.Go(func() { write(ada, bob) })
	wg.Go(func() { write(bob, ada) })
	t.Cleanup(func() { end(); wg.Wait() })
	return func() []accepted {
		end()
		wg.Wait()
		return all
	}
}
