package messages

import (
	"context"
	"sync"
	"time"

	"chatapp/libs/id"
)

const (
	// tallyEvery is how often a process adds what it counted to the database.
	// One that is killed takes so much of the figures with it, and no message.
	tallyEvery = 5 * time.Second
	// noteAgain is how old the time of somebody's last message may be.
	noteAgain = 10 * time.Minute
	// maxNoted bounds the people whose time is remembered: 24 bytes each.
	maxNoted = 100_000

	countRows  = 1000                  // messages of before that are counted at once
	countPause = 50 * time.Millisecond // so that others come first

	// writersKept is how long it is known when somebody last wrote.
	writersKept = 31 * 24 * time.Hour

	dayLayout = time.DateOnly
)

func dayOf(at time.Time) string { return at.UTC().Format(dayLayout) }

// tally counts what this process commits, in memory: no row in the database that
// every commit would wait for.
type tally struct {
	mu      sync.Mutex
	days    map[string]uint64   // messages per day, not stored yet
	writers map[id.ID]time.Time // who wrote when, not stored yet
	noted   map[id.ID]time.Time // what was stored of whom
}

func newTally() *tally {
	return &tally{days: map[string]uint64{}, writers: map[id.ID]time.Time{}, noted: map[id.ID]time.Time{}}
}

// add counts the messages of one transaction, which were written at the same time.
func (t *tally) add(list []Message) {
	if len(list) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at := list[0].CreatedAt
	t.days[dayOf(at)] += uint64(len(list))
	for _, m := range list {
		if at.Sub(t.noted[m.SenderID]) < noteAgain {
			continue
		}
		if len(t.noted) >= maxNoted {
			clear(t.noted)
		}
		t.noted[m.SenderID], t.writers[m.SenderID] = at, at
	}
}

// take returns what is to be stored and forgets it.
func (t *tally) take() (days map[string]uint64, writers map[id.ID]time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	days, writers = t.days, t.writers
	t.days, t.writers = map[string]uint64{}, map[id.ID]time.Time{}
	return days, writers
}

// putBack is for what could not be stored.
func (t *tally) putBack(days map[string]uint64, writers map[id.ID]time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for day, n := range days {
		t.days[day] += n
	}
	for user, at := range writers {
		if t.writers[user].Before(at) {
			t.writers[user] = at
		}
	}
}

// storeTally adds what was counted here to the figures.
func (s *Service) storeTally(ctx context.Context) error {
	days, writers := s.tally.take()
	if len(days)+len(writers) == 0 {
		return nil
	}
	err := s.store.addFigures(ctx, days, writers)
	if err != nil {
		s.tally.putBack(days, writers)
	}
	return err
}

// tallyLoop stores what is counted until ctx ends, and then what is left.
func (s *Service) tallyLoop(ctx context.Context) error {
	tick := time.NewTicker(tallyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), tallyEvery)
			defer cancel()
			if err := s.storeTally(last); err != nil {
				s.log.Warn("the last figures about messages were not stored", "error", err)
			}
			return nil
		case <-tick.C:
		}
		if err := s.storeTally(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("could not store the figures about messages; trying again", "error", err)
		}
	}
}

// countLoop counts, once in the life of a database, the messages that were
// written before anybody counted, in the order of the primary key. What is not
// done is gone on with, by whichever replica comes next.
func (s *Service) countLoop(ctx context.Context) error {
	tick := time.NewTicker(countPause)
	defer tick.Stop()
	for {
		done, err := s.store.countOld(ctx, s.started, countRows)
		switch {
		case done || ctx.Err() != nil:
			return nil
		case err != nil:
			s.log.Warn("could not count the messages of before; trying again", "error", err)
			tick.Reset(tallyEvery)
		default:
			tick.Reset(countPause)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
