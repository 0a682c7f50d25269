package capacity

// Cost is what a message costs all processes of one kind together: PerMessage
// always; PerTransaction divided by the messages that share a transaction of
// the database; PerSecond, of each process, divided by the messages a second.
// The last is what waking up costs a process that is not busy; a busy one does
// not sleep, so it does not grow with the load.
type Cost struct{ PerMessage, PerTransaction, PerSecond float64 }

// At is the cost of one message among rate a second, batch of them in a
// transaction, with so many processes.
func (c Cost) At(rate, batch, processes float64) float64 {
	return c.PerMessage + c.PerTransaction/batch + c.PerSecond*processes/rate
}

// cpu is in µs, fitted to the runs recorded in bench/results that count their
// transactions: texts of 64 bytes, conversations of two. nats is a cluster of
// three nodes with three copies of each stream.
var cpu = map[string]Cost{
	"gateway":  {234, 105, 55_800},
	"messages": {101, 406, 57_300},
	"notify":   {37.8, 68.9, 15_800},
	"nats":     {16.8, 690, 88_800},
	"database": {52.5, 588, 48_900},
}

// Bytes a message costs, from the same runs; the rest of a run (signing up) left out.
var (
	redoLog      = Cost{PerMessage: 1080, PerTransaction: 330}
	databaseWire = Cost{PerMessage: 1120, PerTransaction: 1470} // received and sent
	natsWire     = Cost{PerMessage: 5000, PerTransaction: 3500} // received and sent by three nodes, from each other too
)

const (
	measuredBody    = 64
	measuredMembers = 2

	// On disk, tables with their indexes.
	diskMessage = 400 // with a text of measuredBody
	diskEntry   = 130 // in one user's log

	// In memory, for each connection (services-1-idle).
	gatewaySocket = 106 << 10
	notifySocket  = 14.3 * 1024

	// And in every node of the NATS cluster, for each user who is connected.
	subscriptionsPerUser = 2
	subscription         = 1370
)

// kind is one kind of process.
type kind struct {
	name         string
	least, cores float64 // processes, and how many cores one is given
	memory       float64 // bytes of one under load, without connections
	socketsMost  float64 // connections of one process: as many as were measured
	socketMemory float64 // bytes of a connection
	socketCPU    float64 // cores of an idle one
	signIn       float64 // core seconds
}

const mib = 1 << 20

var kinds = []kind{
	{name: "gateway", least: 2, cores: 4, memory: 100 * mib, socketsMost: 10_000, socketMemory: gatewaySocket},
	{name: "auth", least: 2, cores: 2, memory: 80 * mib, signIn: .03},
	{name: "users", least: 2, cores: 2, memory: 30 * mib},
	{name: "messages", least: 2, cores: 4, memory: 200 * mib},
	{name: "notify", least: 2, cores: 4, memory: 50 * mib, socketsMost: 10_000, socketMemory: notifySocket, socketCPU: .03 / 10_000},
	{name: "nats", least: 3, cores: 8, memory: 100 * mib},
	{name: "database", least: 1, cores: 16, memory: 1024 * mib},
}
