package auth

import (
	"context"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/id"
)

const (
	maxEvents = 50 // lines of the audit log shown about a person
	statDays  = 30
)

// Person is an account as administrators see it. DisplayName is the one given at
// sign-up; the users service has the current one.
type Person struct {
	Account
	Suspension *Suspension // nil = not suspended
}

// Suspension says why somebody may not sign in.
type Suspension struct {
	Reason string
	By     string // a username, or "operator"
	At     time.Time
}

// PeopleFilter chooses people; empty fields choose all.
type PeopleFilter struct {
	Query string // how the username, e-mail address or display name begins
	State string // "active" | "suspended"
	Role  string
	After string // username of the last one of the page before
	Limit int

	emails bool // the query may be about e-mail addresses
}

// PersonDetail is one person and what they did lately.
type PersonDetail struct {
	Person
	Confirmed  bool // the e-mail address
	Sessions   int
	LastSignIn time.Time // zero = never
	Events     []Event   // the newest first
}

// Event is a line of the audit log.
type Event struct {
	At     time.Time
	Name   string
	Actor  string // who did it when that was somebody else; "operator" for the command line
	Detail string
	From   Client
}

// People lists accounts by username. Moderators see no e-mail addresses and
// cannot search by them. Errors: unavailable.
func (s *Service) People(ctx context.Context, by Actor, f PeopleFilter) ([]Person, error) {
	f.emails = by.Role == authn.RoleAdmin
	list, err := s.store.people(ctx, f)
	for i := range list {
		list[i] = list[i].seenBy(by)
	}
	return list, err
}

// seenBy leaves out what the actor need not know.
func (p Person) seenBy(by Actor) Person {
	if by.Role != authn.RoleAdmin {
		p.Email, p.emailKey = "", ""
	}
	return p
}

// Person returns one account with what happened to it; for moderators without
// addresses. Errors: not-found, unavailable.
func (s *Service) Person(ctx context.Context, by Actor, account id.ID) (PersonDetail, error) {
	p, err := s.store.person(ctx, account)
	if err != nil {
		return PersonDetail{}, err
	}
	d := PersonDetail{Person: p.seenBy(by)}
	if d.Confirmed, err = s.store.emailConfirmed(ctx, p.Account); err != nil {
		return d, err
	}
	live, err := s.store.liveSessions(ctx, account, s.now())
	if err != nil {
		return d, err
	}
	d.Sessions = len(live)
	if d.LastSignIn, err = s.store.lastSignIn(ctx, account); err != nil {
		return d, err
	}
	d.Events, err = s.store.eventsOf(ctx, account, maxEvents)
	for i := range d.Events {
		if by.Role != authn.RoleAdmin {
			d.Events[i].From.IP = ""
		}
	}
	return d, err
}

// PersonNamed finds an account by username or e-mail address, for the command
// line. Errors: not-found, unavailable.
func (s *Service) PersonNamed(ctx context.Context, login string) (Account, error) {
	acc, _, err := s.store.credential(ctx, login)
	if err == nil && acc.ID.IsZero() {
		err = errNoPerson()
	}
	return acc, err
}

// Statistics are figures about accounts. Days are in UTC, the oldest first, and
// the last is today.
type Statistics struct {
	Accounts  int
	Suspended int
	Sessions  int    // that can be used
	Active    [3]int // accounts used within the last day, 7 and 30 days
	Days      []Day
}

// Day counts what happened on one day (UTC).
type Day struct {
	Date    string // 2006-01-02
	SignUps int
	SignIns int
}

// Statistics counts. Sign-ins are those of sessions that are still remembered:
// all of the last 30 days, unless CHAT_REFRESH_TTL is shorter. Errors: unavailable.
func (s *Service) Statistics(ctx context.Context) (Statistics, error) {
	now := s.now()
	first := now.Truncate(24*time.Hour).AddDate(0, 0, 1-statDays)
	stats, ups, ins, err := s.store.statistics(ctx, now, first)
	if err != nil {
		return stats, err
	}
	for i := range statDays {
		date := first.AddDate(0, 0, i).Format(time.DateOnly)
		stats.Days = append(stats.Days, Day{Date: date, SignUps: ups[date], SignIns: ins[date]})
	}
	return stats, nil
}
