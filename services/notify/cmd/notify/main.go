// Command notify runs the notify service alone (live events to every device), on
// external NATS and MySQL. It links neither nats-server nor SQLite.
package main

import (
	"os"

	"chatapp/libs/platform/cluster"
	"chatapp/libs/run"
	"chatapp/services/notify"
)

func main() {
	os.Exit(cluster.Main(run.Factory{
		Name: "notify", New: func(d run.Deps) (run.Unit, error) { return notify.New(d) },
	}))
}
