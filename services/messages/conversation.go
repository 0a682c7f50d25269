package messages

import (
	"context"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// Kind says what a conversation is.
type Kind uint8

// The kinds; the numbers are stored.
const (
	Direct Kind = 1 // two people
	Self   Kind = 2 // one's notes
)

// String is the kind's name in the API.
func (k Kind) String() string {
	if k == Self {
		return "self"
	}
	return "direct"
}

// Conversation is a conversation as one of its members sees it.
type Conversation struct {
	ID          id.ID
	Kind        Kind
	Peer        Person // the caller's own profile when Kind is Self
	Last        *Message
	LastSeq     uint64
	ReadSeq     uint64
	PeerReadSeq uint64
	Activity    uint64
	Blocked     bool // the caller blocked Peer
	gate        gate
	peerGate    gate // gateGone or 0
	CreatedAt   time.Time
}

// Unread is how many messages of others follow the caller's read mark. Own
// posts advance the mark, so the difference counts nothing of one's own and,
// being derived, can never drift.
func (c Conversation) Unread() uint64 { return c.LastSeq - min(c.ReadSeq, c.LastSeq) }

// errNoConversation is the answer to a stranger and to a missing id alike.
func errNoConversation() error {
	return errs.New(errs.NotFound, "There is no such conversation.")
}

// directKey names the conversation of two people, whoever asks.
func directKey(a, b id.ID) []byte {
	if a.Compare(b) > 0 {
		a, b = b, a
	}
	return append(append(make([]byte, 0, 32), a[:]...), b[:]...)
}

// membership is the part of a conversation that a post needs.
type membership struct {
	id      id.ID
	members []id.ID
}

func (m membership) has(user id.ID) bool { return slices.Contains(m.members, user) }

// cachedConversations bounds each of the directory's caches: 60-100 B a row.
const cachedConversations = 100_000

// directory answers who is in which conversation from memory when it can. The
// members of a direct conversation never change, so nothing needs refreshing.
type directory struct {
	store  *store
	byID   *lru.Cache[id.ID, membership]
	byPair *lru.Cache[[32]byte, membership]
	admit  func(user id.ID) error // asked before somebody begins a new conversation
}

func newDirectory(s *store) *directory {
	byID, err := lru.New[id.ID, membership](cachedConversations)
	if err != nil {
		panic(err) // only for a size <= 0
	}
	byPair, err := lru.New[[32]byte, membership](cachedConversations)
	if err != nil {
		panic(err)
	}
	return &directory{store: s, byID: byID, byPair: byPair, admit: func(id.ID) error { return nil }}
}

// of returns the conversation, or not-found unless user is a member.
func (d *directory) of(ctx context.Context, conversation, user id.ID) (membership, error) {
	m, ok := d.byID.Get(conversation)
	if !ok {
		var err error
		if m, err = d.store.membership(ctx, conversation); err != nil {
			return membership{}, err
		}
		if len(m.members) > 0 {
			d.byID.Add(conversation, m)
		}
	}
	if !m.has(user) {
		return membership{}, errNoConversation()
	}
	return m, nil
}

// open returns the direct conversation of two people, making it for a when it
// is the first time. Both must exist. Error: rate-limited when a begins too many.
func (d *directory) open(ctx context.Context, a, b id.ID) (membership, error) {
	key := [32]byte(directKey(a, b))
	if m, ok := d.byPair.Get(key); ok {
		return m, nil
	}
	m := membership{members: []id.ID{a, b}}
	kind := Direct
	if a == b {
		m.members, kind = m.members[:1], Self
	}
	var err error
	first := func() error { return d.admit(a) }
	if m.id, err = d.store.openConversation(ctx, kind, key[:], m.members, first); err != nil {
		return membership{}, err
	}
	d.byPair.Add(key, m)
	d.byID.Add(m.id, m)
	return m, nil
}
