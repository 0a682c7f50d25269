package capacity

import (
	"cmp"
	"slices"
)

// Limit is something that holds up to a number of users.
type Limit struct {
	Users  float64
	What   string
	Cure   string
	Change bool // the cure needs a change of the program
}

// What one of each can do.
const (
	allInOneMessage = 1200    // µs of two cores, with one sender: the dearest that was measured
	diskMost        = 2e12    // bytes: a table of a year that can still be backed up and altered in a night
	interestMost    = 4 << 30 // bytes of subscriptions in one node of NATS
	streamMost      = 46_000  // events a second into one stream of three copies
	databaseCores   = 16
	natsCores       = 3 * 8
)

// limits are what breaks first, the first one first, when everything but the
// number of users stays as in l.
func limits(l Load) []Limit {
	one := l
	one.Users = 1
	rate, members := one.Rate(), l.Members/measuredMembers
	database, nats := cpu["database"], cpu["nats"]
	list := []Limit{
		{10_000 / one.Sockets(), "connections of one process", "several processes behind a balancer; notify alone, many times", false},
		{2 * utilisation * 1e6 / allInOneMessage / rate / members, "two cores for everything", "services on machines of their own; first the gateway, then messages", false},
		{diskMost / l.disk(), "disk of one database (2 TB), filled in a year", "larger disks first; then an archive, or conversations over several databases", true},
		{databaseCores * utilisation * 1e6 / (database.PerMessage + database.PerTransaction) / rate / members, "cores of one primary (16)", "fewer replicas of messages with larger batches; then users and conversations over several databases", true},
		{natsCores * utilisation * 1e6 / (nats.PerMessage + nats.PerTransaction) / rate / members, "cores of one NATS cluster (3 x 8)", "larger batches; then a cluster per cell of users, joined by gateways", true},
		{interestMost / one.interest(), "memory of a NATS node: it knows who listens in the whole cluster", "a cluster per cell of users", true},
		{streamMost * utilisation / rate, "one stream for all committed events", "a stream per partition of users", true},
	}
	slices.SortStableFunc(list, func(a, b Limit) int { return cmp.Compare(a.Users, b.Users) })
	return list
}
