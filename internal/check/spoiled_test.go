package check

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever a broken server answers, and whatever is in a file, is judged: a
// history that makes no sense ends in violations and never in a panic.
func TestSpoiledHistoriesAreJudged(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 25))
		ops := simulate(seed%25, "", modelActions).ops
		for range 1 + rng.IntN(40) {
			ops = spoil(rng, ops)
		}
		Check(ops)
	}
}

// spoil changes one operation, or the order of two.
func spoil(rng *rand.Rand, ops []Op) []Op {
	i, j := rng.IntN(len(ops)), rng.IntN(len(ops))
	o := &ops[i]
	o.Items, o.Entries, o.Rows = slices.Clone(o.Items), slices.Clone(o.Entries), slices.Clone(o.Rows)
	switch rng.IntN(10) {
	case 0:
		rng.Shuffle(len(o.Items), func(a, b int) { o.Items[a], o.Items[b] = o.Items[b], o.Items[a] })
	case 1:
		rng.Shuffle(len(o.Entries), func(a, b int) { o.Entries[a], o.Entries[b] = o.Entries[b], o.Entries[a] })
	case 2:
		o.Message, o.Entry = nil, nil
	case 3:
		o.At, o.Begin = ops[j].At, ops[j].Begin
	case 4:
		o.Conv, o.User, o.Client = ops[j].Conv, ops[j].User, ops[j].Client
	case 5:
		o.Kind = ops[j].Kind
	case 6:
		return slices.Delete(ops, i, i+1)
	case 7:
		return slices.Insert(ops, i, ops[j])
	case 8:
		o.Items, o.Entries, o.Rows, o.Message = ops[j].Items, ops[j].Entries, ops[j].Rows, ops[j].Message
	default:
		strangeNumbers(rng, o)
	}
	return ops
}

// strangeNumbers changes the places that an operation speaks of.
func strangeNumbers(rng *rand.Rand, o *Op) {
	strange := func(n *uint64) {
		if rng.IntN(2) == 0 {
			*n = []uint64{0, 1, 2, *n - 1, *n + 1, *n + 1000, math.MaxUint64}[rng.IntN(7)]
		}
	}
	strange(&o.Seq)
	strange(&o.Event)
	strange(&o.N)
	for i := range o.Items {
		strange(&o.Items[i].Seq)
	}
	for i := range o.Entries {
		strange(&o.Entries[i].Event)
	}
	for i := range o.Rows {
		strange(&o.Rows[i].LastSeq)
		strange(&o.Rows[i].Unread)
	}
	if o.Message != nil {
		m := *o.Message
		strange(&m.Seq)
		o.Message = &m
	}
}
