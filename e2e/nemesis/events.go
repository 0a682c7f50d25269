package nemesis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"chatapp/internal/client"
	"chatapp/libs/bus"
	"chatapp/libs/events"
)

// overhear collects up to most events of a subject as the brokers pass them on.
func (s *Stage) overhear(ctx context.Context, subject string, most int, patience time.Duration) ([]bus.Message, error) {
	heard := make(chan bus.Message, most)
	w := s.bus.Watch(func(m bus.Message) {
		select {
		case heard <- m:
		default: // enough
		}
	})
	defer w.Close()
	if err := w.Add(subject); err != nil {
		return nil, err
	}
	var all []bus.Message
	for deadline := time.After(patience); len(all) < most; {
		select {
		case m := <-heard:
			all = append(all, m)
		case <-deadline:
			if len(all) == 0 {
				return nil, fmt.Errorf("nothing on %s within %v", subject, patience)
			}
			return all, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return all, nil
}

// publish puts events on the bus and waits for their acks.
func (s *Stage) publish(ctx context.Context, messages []bus.Message) error {
	for _, m := range messages {
		if err := s.bus.Publish(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// shout puts events on the bus that no stream keeps.
func (s *Stage) shout(messages []bus.Message) error {
	for _, m := range messages {
		if err := s.bus.Broadcast(m.Subject, m.Data); err != nil {
			return err
		}
	}
	return nil
}

// What messages says: logged is the fast way to connected people, which no
// stream keeps; committed is what consumers must not miss.
var (
	logged    = events.Subject(events.ServiceMessages, events.NameLogged, "*")
	committed = events.Subject(events.ServiceMessages, events.NameCommitted, "*")
)

// repeated replays events that just happened, one to five times each and in
// any order, as new events.
func repeated() Fault {
	return Fault{"repeated and shuffled events", []Part{Bus, Broker, Messages, Database}, 0, 0, func(ctx context.Context, s *Stage) (string, Heal, error) {
		news, err := s.overhear(ctx, logged, 100, 2*time.Second)
		if err != nil {
			return "", nil, err
		}
		kept, err := s.overhear(ctx, committed, 50, 2*time.Second)
		if err != nil {
			return "", nil, err
		}
		again, more := shuffled(ctx, news), shuffled(ctx, kept)
		return fmt.Sprintf("%d events as %d", len(news)+len(kept), len(again)+len(more)), nothing, errors.Join(s.shout(again), s.publish(ctx, more))
	}}
}

// shuffled repeats each event one to five times, in any order.
func shuffled(ctx context.Context, heard []bus.Message) (again []bus.Message) {
	for _, m := range heard {
		for range 1 + draw(ctx).IntN(5) {
			m.ID = client.NewID() // or the broker drops it as a duplicate
			again = append(again, m)
		}
	}
	draw(ctx).Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
	return again
}

// garbage is what events are replaced by: nothing, no JSON, JSON of another
// shape, numbers from elsewhere.
var garbage = []string{"", "\x00\xff not JSON", "[]", `{"seq":"x"}`, `{"cursor":"0000000000000000-18446744073709551615","seq":18446744073709551615,"type":"message.created","data":{}}`, `{"seq":0}`}

// poisonedLog puts garbage on the subjects of people who are connected.
func poisonedLog() Fault {
	return Fault{"poisoned log events", []Part{Bus, Broker, Messages, Database}, 0, 0, func(ctx context.Context, s *Stage) (string, Heal, error) {
		heard, err := s.overhear(ctx, logged, 20, 2*time.Second)
		if err != nil {
			return "", nil, err
		}
		kept := bus.Message{Subject: events.Subject(events.ServiceMessages, events.NameCommitted, events.KeyCommitted)}
		var news, stored []bus.Message
		for _, data := range garbage {
			for _, m := range heard {
				news = append(news, spoiled(m, data))
			}
			stored = append(stored, spoiled(kept, data))
		}
		return fmt.Sprintf("%d events", len(news)+len(stored)), nothing, errors.Join(s.shout(news), s.publish(ctx, stored))
	}}
}

// spoiled is an event with something else in it.
func spoiled(m bus.Message, data string) bus.Message {
	m.ID, m.Source, m.Time, m.Data = client.NewID(), "nemesis", time.Now(), []byte(data)
	return m
}

// poisoned counts the garbage given to consumers over the whole run, all of
// which must be among the dead letters at the end.
var poisoned atomic.Int64

// poisonedAccounts puts garbage where users learns of new accounts. Every piece
// must become a dead letter, and a person who signs up meanwhile must be known
// as fast as ever.
func poisonedAccounts() Fault {
	return Fault{"poisoned account events", []Part{Bus, Broker, Users, Auth}, 0, 0, func(ctx context.Context, s *Stage) (string, Heal, error) {
		var poison []bus.Message
		for _, data := range garbage {
			poison = append(poison, bus.Message{
				Subject: events.Subject(events.ServiceAuth, events.NameRegistered, client.NewID()), ID: client.NewID(),
				Type: events.NameRegistered, Source: "nemesis", Time: time.Now(), Data: []byte(data),
			})
		}
		if err := s.publish(ctx, poison); err != nil {
			return "", nil, err
		}
		want := poisoned.Add(int64(len(poison)))
		if err := s.newcomer(ctx); err != nil {
			return "", nil, err
		}
		return fmt.Sprintf("%d events", len(poison)), func(ctx context.Context) error { return s.buried(ctx, want) }, nil
	}}
}

// newcomer signs a person up, whom the directory must know soon.
func (s *Stage) newcomer(ctx context.Context) error {
	carol := client.New(s.World.Front)
	if err := carol.Register(ctx, "carol-"+client.NewID()[:8]); err != nil {
		return err
	}
	return until(ctx, 5*time.Second, func(ctx context.Context) error {
		found, err := s.probe.alice.Find(ctx, carol.Session().User.Username)
		if err == nil && len(found.Items) != 1 {
			err = errors.New("a person who signed up among poisoned events is not in the directory")
		}
		return err
	})
}

// buried waits until users has so many dead letters.
func (s *Stage) buried(ctx context.Context, want int64) error {
	return until(ctx, 30*time.Second, func(ctx context.Context) error {
		text, err := s.World.DB.Query(ctx, "SELECT COUNT(*) FROM chat_users.dead_letters")
		if err != nil {
			return err
		}
		if n, _ := strconv.ParseInt(text, 10, 64); n < want {
			return fmt.Errorf("%d of %d poisoned events are among the dead letters", n, want)
		}
		return nil
	})
}

// Settled waits until every outbox is empty; nothing may be among the dead
// letters but the poison of this run.
func (s *Stage) Settled(ctx context.Context) error {
	want := fmt.Sprintf("auth 0,users 0,messages 0,dead of users %d,dead of messages 0", poisoned.Load())
	return until(ctx, time.Minute, func(ctx context.Context) error {
		left, err := s.World.DB.Query(ctx, "SELECT CONCAT('auth ', (SELECT COUNT(*) FROM chat_auth.outbox), ',users ', (SELECT COUNT(*) FROM chat_users.outbox), ',messages ', (SELECT COUNT(*) FROM chat_messages.outbox), "+
			"',dead of users ', (SELECT COUNT(*) FROM chat_users.dead_letters), ',dead of messages ', (SELECT COUNT(*) FROM chat_messages.dead_letters))")
		if err == nil && left != want {
			err = fmt.Errorf("events are left over: %s; want %s", left, want)
		}
		return err
	})
}
