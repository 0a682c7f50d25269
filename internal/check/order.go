package check

import "slices"

// never is the end of what has not ended.
const never = int64(1) << 62

// checkOrder compares the order of each conversation with real time: what was
// known before another post was begun comes before it. One sweep: of all
// messages known before B was begun only the highest seq matters.
func (c *checker) checkOrder() {
	byConv := map[string][]*attempt{}
	for _, k := range c.keys {
		if a := c.attempts[k]; a.message != nil {
			byConv[a.message.Conv] = append(byConv[a.message.Conv], a)
		}
	}
	for _, id := range sortedKeys(byConv) {
		c.sweep(byConv[id])
	}
}

func (c *checker) sweep(begun []*attempt) {
	known := slices.Clone(begun)
	slices.SortStableFunc(begun, func(a, b *attempt) int { return compare(a.invoked, b.invoked) })
	slices.SortStableFunc(known, func(a, b *attempt) int { return compare(c.knownAt(a), c.knownAt(b)) })
	var highest *attempt
	next := 0
	for _, b := range begun {
		for next < len(known) && c.knownAt(known[next]) < b.invoked {
			if a := known[next]; highest == nil || a.message.Seq > highest.message.Seq {
				highest = a
			}
			next++
		}
		if highest != nil && highest != b && highest.message.Seq >= b.message.Seq {
			c.bad(Order, b.key.sender, b.message, "message %s got seq %d although it was posted after %s was there with seq %d",
				b.message.ID, b.message.Seq, highest.message.ID, highest.message.Seq)
		}
	}
}

// knownAt is when a message was first answered or seen.
func (c *checker) knownAt(a *attempt) int64 {
	at := never
	if s := c.byID[a.message.ID]; s != nil {
		at = s.first
	}
	if a.acked {
		at = min(at, a.ok)
	}
	return at
}
