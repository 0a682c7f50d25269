// Command auth runs the auth service alone (accounts, sessions and tokens), on
// external NATS and MySQL. It links neither nats-server nor SQLite.
package main

import (
	"os"

	"chatapp/libs/platform/cluster"
	"chatapp/libs/run"
	"chatapp/services/auth"
)

func main() {
	os.Exit(cluster.Main(run.Factory{
		Name: "auth", Migrations: auth.Migrations, New: func(d run.Deps) (run.Unit, error) { return auth.New(d) },
	}))
}
