// Command chatapp is all of ChatApp in one program. Without arguments it runs
// every service and the web UI with an embedded database and message bus;
// `chatapp --help` lists the rest.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"chatapp/libs/run"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	run.EndOnSecondSignal(ctx, stop)
	os.Exit(execute(ctx, program{
		args: os.Args[1:], environ: os.Environ(), in: os.Stdin, out: os.Stdout, errs: os.Stderr,
	}))
}
