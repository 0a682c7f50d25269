// Package capacity says what an installation of a given size needs, and what
// breaks first when it grows: what `chatapp capacity` prints.
//
//	capacity.go  Load, what is assumed; Plan, what it needs
//	cost.go      what the parts cost, fitted to measurements
//	limits.go    what breaks first, and the cure
//
// It is pure arithmetic. The tests hold the costs against the measurements in
// bench/results, and predict runs that were left out of the fit.
package capacity

import "math"

// Load is what people do; Default has our assumptions.
type Load struct {
	Users          float64
	Online         float64 // share of the users that is connected at the peak
	Devices        float64 // connections of each of them
	MessagesPerDay float64 // that a user writes
	Peak           float64 // rate at the peak, by the average of the day
	Members        float64 // of a conversation
	Body           float64 // bytes of a text
	SignInsPerDay  float64 // of a user
}

// Default is a messenger with the given number of users, who write to one other
// person each time.
func Default(users float64) Load {
	return Load{Users: users, Online: .2, Devices: 1.5, MessagesPerDay: 40, Peak: 3, Members: 2, Body: 100, SignInsPerDay: .1}
}

// Rate is the messages a second at the peak.
func (l Load) Rate() float64 { return l.Users * l.MessagesPerDay * l.Peak / day }

// Sockets is the connections at the peak.
func (l Load) Sockets() float64 { return l.Users * l.Online * l.Devices }

const (
	day       = 86_400
	year      = 365 // days
	retention = 30  // days: CHAT_EVENT_RETENTION
	// utilisation is how busy a core is at the peak: the other half is for
	// bursts and for the loss of a node.
	utilisation = .5
	// compareEvery is after how many seconds notify compares the head of the
	// log of each user who is connected.
	compareEvery = 30
)

// Need is what all processes of one kind need together.
type Need struct {
	Name      string
	Processes float64
	Cores     float64 // twice what is busy at the peak
	Memory    float64 // bytes, at the peak
}

// Plan is what a Load needs at its peak.
type Plan struct {
	Rate     float64 // messages a second
	Sockets  float64
	Rows     float64 // written in the database of messages, a second
	Pushes   float64 // entries to users, a second
	Compared float64 // heads of logs read to find pushes that were lost, a second
	Disk     float64 // bytes in the database after a year, one copy
	RedoLog  float64 // bytes a second
	NATS     float64 // bytes a second, received and sent by the three nodes
	Database float64 // bytes a second, received and sent
	Needs    []Need
	Limits   []Limit // by the number of users that meets them
}

// For plans for l. Every message is taken to have a transaction of its own: the
// worst case, and the usual one when many processes share the messages.
func For(l Load) Plan {
	rate := l.Rate()
	p := Plan{
		Rate: rate, Sockets: l.Sockets(), Pushes: rate * l.Members, Compared: l.Users * l.Online / compareEvery,
		Rows:    rate * (1 + 3*l.Members + 2), // message; log entry, clock and member row of each; outbox row, made and deleted
		Disk:    l.Users * l.disk(),
		RedoLog: rate * redoLog.At(rate, 1, 1), NATS: rate * natsWire.At(rate, 1, 1), Database: rate * databaseWire.At(rate, 1, 1),
	}
	for _, k := range kinds {
		p.Needs = append(p.Needs, k.need(l))
	}
	p.Limits = limits(l)
	return p
}

// disk is what a user adds to the database in a year: messages, which stay, and
// entries in the logs of their readers, which are trimmed.
func (l Load) disk() float64 {
	return l.MessagesPerDay * (year*(diskMessage+l.Body-measuredBody) + retention*diskEntry*l.Members)
}

// need sizes one kind of process.
func (k kind) need(l Load) Need {
	rate, sockets := l.Rate(), l.Sockets()
	busy := l.Users*l.SignInsPerDay*l.Peak/day*k.signIn + sockets*k.socketCPU
	if c, ok := cpu[k.name]; ok && rate > 0 {
		busy += rate / 1e6 * (c.PerMessage + c.PerTransaction) * l.Members / measuredMembers
	}
	n := Need{Name: k.name}
	n.Processes = max(k.least, math.Ceil(busy/utilisation/k.cores))
	if k.socketsMost > 0 {
		n.Processes = max(n.Processes, math.Ceil(sockets/k.socketsMost))
	}
	n.Cores = busy/utilisation + n.Processes*cpu[k.name].PerSecond/1e6
	n.Memory = n.Processes*k.memory + sockets*k.socketMemory
	if k.name == "nats" { // every node knows who listens, wherever that is
		n.Memory += n.Processes * l.interest()
	}
	return n
}

// interest is the bytes that the subscriptions of all connected users take in
// each node of a cluster.
func (l Load) interest() float64 { return l.Users * l.Online * subscriptionsPerUser * subscription }
