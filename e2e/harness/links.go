package harness

import "chatapp/e2e/faultproxy"

// Links are the edges of a shape that can be broken one by one.
type Links struct {
	Front *faultproxy.Link            // people to the gateway
	NATS  map[string]*faultproxy.Link // a process, by name, to all broker nodes
	DB    map[string]*faultproxy.Link // a process, by name, to the database
}

func newLinks() *Links {
	return &Links{Front: faultproxy.New(), NATS: map[string]*faultproxy.Link{}, DB: map[string]*faultproxy.Link{}}
}

// between makes the links of one process and returns what it finds at their
// other ends: its database and its brokers.
func (l *Links) between(name string, w *World) (database, brokers string, err error) {
	l.DB[name], l.NATS[name] = faultproxy.New(), faultproxy.New()
	address, err := l.DB[name].Forward(w.DB.Address())
	if err != nil {
		return "", "", err
	}
	brokers, err = w.NATS.URLThrough(l.NATS[name].Forward)
	return w.DB.URLThrough(address), brokers, err
}

func (l *Links) close() {
	l.Front.Close()
	for _, edges := range []map[string]*faultproxy.Link{l.NATS, l.DB} {
		for _, edge := range edges {
			edge.Close()
		}
	}
}
