package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/authn"
	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/obs"
)

// Process is one program: what it runs on and with.
type Process struct {
	Config   config.Config
	Log      *slog.Logger
	Platform Platform
	Metrics  *prometheus.Registry
	// Started, if set, is called once all units answer, with the addresses that
	// are really listened on (admin is nil when not served).
	Started func(listen, admin net.Addr)
}

// process is a running Process.
type process struct {
	Process
	public, admin *server
	bus           *bus.Bus
	tracing       *obs.Tracing
	verifier      *authn.Verifier
	units         []Unit
	dbs           []*db.DB
	state         atomic.Value // string: why not ready; "" when ready
}

// Main runs the units that factories build until ctx ends, then shuts down in
// order and returns nil. It waits, with a line in the log per try, for a
// database or a broker that is not there yet, so services may start in any
// order. An error is one line with cause and, where there is one, cure: an
// address in use, a database newer than the program, a unit that failed.
func Main(ctx context.Context, p Process, factories []Factory) error {
	r := &process{Process: p}
	r.state.Store("starting")
	if err := r.reserve(); err != nil {
		return errors.Join(err, p.Platform.Close())
	}
	err := r.run(ctx, factories)
	return errors.Join(err, r.close())
}

// reserve serves the admin address, and only makes sure that the public one can
// be had: it is opened when there is something behind it. Whoever balances
// between replicas goes to another one when a connection is refused, but hands
// an answer on, even "503, starting".
func (r *process) reserve() error {
	l, err := net.Listen("tcp", r.Config.Listen) //nolint:noctx // closed at once
	if err != nil {
		return explain(err, r.Config.Listen, "CHAT_LISTEN")
	}
	if r.Config.AdminListen != "" {
		r.admin, err = listen(r.Config.AdminListen, "CHAT_ADMIN_LISTEN", r.adminHandler(), r.Log)
	}
	return errors.Join(err, l.Close())
}

// open serves the units on the public address.
func (r *process) open() (err error) {
	r.public, err = listen(r.Config.Listen, "CHAT_LISTEN", publicHandler(r.Config, newMux(r.units, r.Log, r.Metrics)), r.Log)
	return err
}

// run builds the units, works until ctx ends or something fails, and stops the
// units and the HTTP servers.
func (r *process) run(ctx context.Context, factories []Factory) error {
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	// The first reason wins: a signal, or a unit's error.
	defer context.AfterFunc(ctx, func() { stop(context.Canceled) })()
	err := r.build(work, factories)
	var running sync.WaitGroup
	if err == nil {
		r.background(work, &running, stop)
		err = r.awaitReady(work)
	}
	if err == nil {
		err = r.open()
	}
	if err == nil {
		r.state.Store("")
		r.announce()
		<-work.Done()
	}
	if cause := context.Cause(work); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	} else if ctx.Err() != nil {
		err = nil // told to stop, perhaps while still waiting for something
	}
	r.state.Store("stopping")
	r.Log.Info("stopping")
	stop(context.Canceled)
	r.drain(&running)
	return err
}

// build connects the process and makes its units.
func (r *process) build(ctx context.Context, factories []Factory) (err error) {
	if r.tracing, err = obs.StartTracing(ctx, r.Log); err != nil {
		return err
	}
	r.state.Store("starting: waiting for NATS")
	b, err := r.Platform.Bus(ctx)
	if err != nil {
		return err
	}
	r.bus = b
	if r.Config.Setup == config.SetupWait {
		b.SetUpByOthers()
	}
	r.Metrics.MustRegister(b.Collectors()...)
	r.state.Store("starting: waiting for the streams in NATS")
	if err := ensureStreams(ctx, b, r.Config, r.Log); err != nil {
		return err
	}
	r.verifier = authn.NewVerifier(keySource(b))
	r.Metrics.MustRegister(r.verifier.Collectors()...)
	for _, f := range factories {
		u, err := r.unit(ctx, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		r.units = append(r.units, u)
		r.Metrics.MustRegister(readiness(u))
	}
	return nil
}

func (r *process) unit(ctx context.Context, f Factory) (Unit, error) {
	d := Deps{
		Config: r.Config, Log: r.Log.With("service", f.Name), Bus: r.bus,
		Verifier: r.verifier, Metrics: r.Metrics, Tracer: r.tracing.Tracer(f.Name),
	}
	if f.Migrations != nil {
		open, missing := OpenSchema, "starting: waiting for the database of "+f.Name
		if r.Config.Setup == config.SetupWait {
			open, missing = AwaitSchema, missing+" and for '"+f.Name+" migrate'"
		}
		r.state.Store(missing)
		schema, err := open(ctx, r.Platform, f, r.Log)
		if err != nil {
			return nil, err
		}
		r.dbs = append(r.dbs, schema)
		r.Metrics.MustRegister(schema.Collector(f.Name))
		d.DB = schema
	}
	return f.New(d)
}

// OpenSchema opens and migrates the schema of f, waiting for the database as
// long as ctx allows. The caller closes it.
func OpenSchema(ctx context.Context, p Platform, f Factory, log *slog.Logger) (*db.DB, error) {
	return openSchema(ctx, p, f, log, func(d *db.DB) error {
		err := d.Migrate(ctx, f.Migrations)
		if errs.Is(err, errs.Unavailable) {
			err = fmt.Errorf("does it answer, and is there room on its disk? %w", err)
		}
		return err
	})
}

// AwaitSchema opens the schema of f and waits until somebody with more rights
// has brought it up to date. The caller closes it.
func AwaitSchema(ctx context.Context, p Platform, f Factory, log *slog.Logger) (*db.DB, error) {
	return openSchema(ctx, p, f, log, func(d *db.DB) error {
		pending, err := d.Pending(ctx, f.Migrations)
		if err == nil && pending {
			err = errs.New(errs.Unavailable, "its schema is not up to date yet: run '"+f.Name+" migrate' (CHAT_SETUP=wait)")
		}
		return err
	})
}

// openSchema opens it and tries until it is as check wants it.
func openSchema(ctx context.Context, p Platform, f Factory, log *slog.Logger, check func(*db.DB) error) (*db.DB, error) {
	d, err := p.DB(ctx, f.Name)
	if err != nil {
		return nil, err
	}
	for {
		err := check(d)
		switch {
		case err == nil:
			return d, nil
		case errors.Is(err, db.ErrNewer):
			err = fmt.Errorf("%w; start the newer ChatApp again, or restore a backup made before it was used", err)
			return nil, errors.Join(err, d.Close())
		case !errs.Is(err, errs.Unavailable) || ctx.Err() != nil:
			return nil, errors.Join(err, d.Close())
		}
		log.Warn("waiting for the database", "service", f.Name, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// background starts what the units and this package do until ctx ends. A unit
// that fails stops the process: restarting is the supervisor's business.
func (r *process) background(ctx context.Context, running *sync.WaitGroup, stop context.CancelCauseFunc) {
	for _, u := range r.units {
		running.Go(func() {
			if err := u.Run(ctx); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("%s stopped working: %w", u.Name(), err))
			} else if err != nil {
				r.Log.Warn("unit ended with an error", "unit", u.Name(), "error", err)
			}
		})
	}
	running.Go(func() { r.followRevocations(ctx) })
	running.Go(func() { paceGC(ctx) })
	if len(r.dbs) > 0 { // notify has none
		clock := newClockWatch(r.dbs[0], r.Log, r.Metrics)
		running.Go(func() { clock.run(ctx, clockLook) })
	}
}

// awaitReady polls the units: the friendly line must not come before they work.
func (r *process) awaitReady(ctx context.Context) error {
	for ctx.Err() == nil {
		why := r.unready(ctx)
		if why == "" {
			return nil
		}
		r.state.Store("starting: " + why)
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return ctx.Err()
}

func (r *process) announce() {
	var admin net.Addr
	shown := "off"
	if r.admin != nil {
		admin = r.admin.addr()
		shown = admin.String()
	}
	names := make([]string, 0, len(r.units))
	for _, u := range r.units {
		names = append(names, u.Name())
	}
	r.Log.Info("ready", "units", names, "listen", r.public.addr().String(), "admin", shown)
	if r.Started != nil {
		r.Started(r.public.addr(), admin)
	}
}

// drain stops accepting and waits for open requests and for the units, which
// were told to stop already.
func (r *process) drain(running *sync.WaitGroup) {
	ctx, cancel := context.WithTimeout(context.Background(), r.Config.ShutdownGrace)
	defer cancel()
	if r.public != nil {
		r.public.shutdown(ctx)
	}
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	// Units publish what they hold; that takes as long as one broker timeout.
	select {
	case <-done:
	case <-time.After(r.Config.ShutdownGrace + 10*time.Second):
		r.Log.Warn("some background work did not end in time")
	}
}

func (r *process) close() error {
	var all error
	for _, d := range r.dbs {
		all = errors.Join(all, d.Close())
	}
	for _, s := range []*server{r.public, r.admin} {
		if s != nil {
			s.close()
		}
	}
	r.tracing.Close()
	return errors.Join(all, r.Platform.Close())
}

// unready says which unit is not able to serve and why; "" when all are.
func (r *process) unready(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for _, u := range r.units {
		if err := u.Ready(ctx); err != nil {
			return u.Name() + ": " + err.Error()
		}
	}
	return ""
}
