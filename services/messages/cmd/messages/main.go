// Command messages runs the messages service alone (conversations and messages), on
// external NATS and MySQL. It links neither nats-server nor SQLite.
package main

import (
	"os"

	"chatapp/libs/platform/cluster"
	"chatapp/libs/run"
	"chatapp/services/messages"
)

func main() {
	os.Exit(cluster.Main(run.Factory{
		Name: "messages", Migrations: messages.Migrations, New: func(d run.Deps) (run.Unit, error) { return messages.New(d) },
	}))
}
