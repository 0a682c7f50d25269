// Command users runs the users service alone (profiles and the directory), on
// external NATS and MySQL. It links neither nats-server nor SQLite.
package main

import (
	"os"

	"chatapp/libs/platform/cluster"
	"chatapp/libs/run"
	"chatapp/services/users"
)

func main() {
	os.Exit(cluster.Main(run.Factory{
		Name: "users", Migrations: users.Migrations, New: func(d run.Deps) (run.Unit, error) { return users.New(d) },
	}))
}
