package auth

import (
	"html/template"
	"net/http"
	"slices"
	"sync"
	"time"
)

// inboxKeeps is how many mails the inbox for developers shows.
const inboxKeeps = 50

// inbox shows the mails of an installation on localhost without a mail server.
// It is served on the admin address only and forgets at the end of the process.
type inbox struct {
	mu    sync.Mutex
	mails []receivedMail // newest first
}

type receivedMail struct {
	letter
	At time.Time
}

func (b *inbox) add(l letter, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails = slices.Insert(b.mails, 0, receivedMail{l, at})
	b.mails = b.mails[:min(len(b.mails), inboxKeeps)]
}

var inboxPage = template.Must(template.ParseFS(templateFiles, "templates/inbox.html"))

// ServeHTTP implements http.Handler.
func (b *inbox) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	mails := slices.Clone(b.mails)
	b.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	_ = inboxPage.Execute(w, mails) // the reader may be gone
}

// AdminRoutes implements run.Operated: the inbox, where there is one.
func (s *Service) AdminRoutes() map[string]http.Handler {
	if s.inbox == nil {
		return nil
	}
	return map[string]http.Handler{"/inbox": s.inbox}
}
