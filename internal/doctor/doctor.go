// Package doctor looks at an installation as an experienced operator would, and
// says what is wrong with it and what to do. It changes nothing.
package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"chatapp/libs/config"
	"chatapp/libs/db"
)

// State is what a check came to.
type State string

// The states of a check.
const (
	OK      State = "ok"
	Warning State = "warning" // works, but not as it should
	Failed  State = "failed"
)

// Finding is the outcome of one check.
type Finding struct {
	Check string `json:"check"`
	State State  `json:"state"`
	Seen  string `json:"seen"`
	Cure  string `json:"cure,omitempty"`
}

// Schema is a service that owns tables.
type Schema struct {
	Service string
	// Open opens its database, or says in one line why it cannot.
	Open func(ctx context.Context) (*db.DB, error)
	// Pending reports whether migrations wait.
	Pending func(ctx context.Context, d *db.DB) (bool, error)
	// Secrets says what of the secrets in it cannot be decrypted; nil where none
	// are encrypted.
	Secrets func(ctx context.Context, d *db.DB) error
}

// Patient is what is examined.
type Patient struct {
	Config config.Config
	// Identity is who the settings belong to on NATS: a service's name, where
	// each has rights of its own.
	Identity string
	Schemas  []Schema
}

// patience bounds each check: what answers later than this is broken for people.
const patience = 5 * time.Second

// examiner collects findings.
type examiner struct {
	Patient
	log   *slog.Logger
	found []Finding
}

func (e *examiner) add(check string, state State, seen, cure string) {
	if state == OK {
		cure = ""
	}
	e.found = append(e.found, Finding{check, state, seen, cure})
}

// Configuration is the finding about settings that could not be read: then
// nothing else can be examined.
func Configuration(err error) Finding {
	return Finding{"configuration", Failed, err.Error(), "correct these variables; 'chatapp config' lists all of them"}
}

// Examine makes every check that makes sense for p.
func Examine(ctx context.Context, p Patient) []Finding {
	e := &examiner{Patient: p, log: slog.New(slog.DiscardHandler)}
	for _, check := range []func(context.Context){
		e.settings, e.dataDirectory, e.files, e.listeners, e.databases, e.nats, e.publicURL,
	} {
		within, cancel := context.WithTimeout(ctx, 6*patience)
		check(within)
		cancel()
	}
	return e.found
}

// Worst is the worst state among findings.
func Worst(list []Finding) State {
	worst := OK
	for _, f := range list {
		if f.State == Failed || f.State == Warning && worst == OK {
			worst = f.State
		}
	}
	return worst
}

// Print writes findings for people, one line each and the cure below.
func Print(w io.Writer, list []Finding) error {
	for _, f := range list {
		if _, err := fmt.Fprintf(w, "%-8s %s: %s\n", f.State, f.Check, f.Seen); err != nil {
			return err
		}
		if f.Cure != "" {
			if _, err := fmt.Fprintf(w, "         -> %s\n", f.Cure); err != nil {
				return err
			}
		}
	}
	return nil
}

// JSON writes findings for programs.
func JSON(w io.Writer, list []Finding) error { return json.NewEncoder(w).Encode(list) }
