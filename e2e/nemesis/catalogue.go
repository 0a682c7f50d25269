package nemesis

import (
	"time"

	"chatapp/e2e/harness"
)

// Catalogue lists every kind of fault; outage is how long the whole broker is
// away in the one kind that is about that. missing names the kinds that this
// machine or user cannot run, and why.
func Catalogue(outage time.Duration) (all []Fault, missing map[string]string) {
	all = []Fault{
		kill(Auth), kill(Users), kill(Messages), kill(Notify), killGateway(),
		freezeReplica(Messages), freezeReplica(Notify), freezeReplica(Auth), freezeRelays(), rollingRestart(),

		killLeader(), killFollower(), freezeLeader(), lameDuck(),
		killBrokers("kill all brokers", 0, 2*time.Second, nil),
		killBrokers("broker outage", outage, outage, nil),
		killBrokers("wipe all brokers", 0, 2*time.Second, wipe),
		killBrokers("flipped bits in broker files", 0, 0, flipBits),
		killBrokers("truncated broker files", 0, 0, truncate),

		killDatabase(), killConnections(), readOnly(), readLock(), deadlocks(),

		slowFront(), silentFront(), storm(), resets(), slowBackbone(),
		partition(Messages, Broker), partition(Notify, Broker), partition(Messages, Database), partition(Auth, Database),

		deaf(), crawling(), flooding(), bloated(), mute(),
		repeated(), poisonedLog(), poisonedAccounts(),
	}
	missing = map[string]string{}
	add := func(can bool, why string, faults ...Fault) {
		for _, f := range faults {
			if can {
				all = append(all, f)
			} else {
				missing[f.Kind] = why
			}
		}
	}
	add(harness.OwnDisks(), "needs root and loop devices, for small file systems of their own", fillDatabaseDisk(), fillBrokerDisks(), powerCut(), databasePowerCut())
	add(harness.MemoryLimits(), "needs the right to make control groups with a memory limit", outOfMemory(Messages), outOfMemory(Notify), outOfMemory(Auth))
	add(harness.MovableClocks(), "needs programs built with E2E_CLOCK=1", wrongClock(Messages), wrongClock(Notify), wrongClock(Auth))
	return all, missing
}
