package auth

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chatapp/libs/db"
	"chatapp/libs/id"
)

type personRow struct {
	Account     accountRow `gorm:"embedded"`
	Reason      *string
	SuspendedBy *string
	SuspendedAt *time.Time
}

func (r personRow) person() Person {
	p := Person{Account: r.Account.account()}
	if r.SuspendedAt != nil {
		p.Suspension = &Suspension{Reason: value(r.Reason), By: value(r.SuspendedBy), At: r.SuspendedAt.UTC()}
	}
	return p
}

func people(tx *gorm.DB) *gorm.DB {
	return tx.Table("accounts").
		Select("accounts.*, suspensions.reason, suspensions.suspended_by, suspensions.suspended_at").
		Joins("LEFT JOIN suspensions ON suspensions.account_id = accounts.id")
}

// beginning makes a LIKE pattern, with ! as its escape character, of a text that
// somebody typed.
func beginning(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}

// matching is the condition that a name begins with text.
func matching(text string, emails bool) clause.Expr {
	low := beginning(strings.ToLower(text))
	// As typed too: SQLite knows upper and lower case of ASCII only.
	match := "LOWER(accounts.display_name) LIKE ? ESCAPE '!' OR accounts.display_name LIKE ? ESCAPE '!'"
	args := []any{low, beginning(text)}
	columns := []string{"accounts.username"}
	if emails {
		columns = append(columns, "accounts.email_key")
	}
	// MySQL does not compare columns in ASCII with other text.
	if !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) {
		for _, column := range columns {
			match, args = match+" OR "+column+" LIKE ? ESCAPE '!'", append(args, low)
		}
	}
	return gorm.Expr("("+match+")", args...)
}

func (st *store) people(ctx context.Context, f PeopleFilter) ([]Person, error) {
	q := people(st.read(ctx))
	if text := strings.TrimSpace(f.Query); text != "" {
		q = q.Where(matching(text, f.emails))
	}
	switch f.State {
	case "active":
		q = q.Where("suspensions.account_id IS NULL")
	case "suspended":
		q = q.Where("suspensions.account_id IS NOT NULL")
	}
	if f.Role != "" {
		q = q.Where("accounts.role = ?", f.Role)
	}
	if f.After != "" {
		q = q.Where("accounts.username > ?", f.After)
	}
	var rows []personRow
	if err := q.Order("accounts.username").Limit(f.Limit).Scan(&rows).Error; err != nil {
		return nil, err
	}
	list := make([]Person, 0, len(rows))
	for _, r := range rows {
		list = append(list, r.person())
	}
	return list, nil
}

// person finds one. Error: not-found.
func (st *store) person(ctx context.Context, account id.ID) (Person, error) {
	var row personRow
	err := people(st.read(ctx)).Where("accounts.id = ?", account).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Person{}, errNoPerson()
	}
	return row.person(), err
}

// lastSignIn is when the newest of an account's sessions began, also one that is
// over; zero when none is remembered.
func (st *store) lastSignIn(ctx context.Context, account id.ID) (time.Time, error) {
	var row sessionRow
	err := st.read(ctx).Where("account_id = ?", account).Order("created_at DESC").Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return time.Time{}, nil
	}
	return row.CreatedAt.UTC(), err
}

// eventsOf reads what the audit log says about an account, the newest first.
func (st *store) eventsOf(ctx context.Context, account id.ID, limit int) ([]Event, error) {
	var rows []struct {
		Note   auditRow `gorm:"embedded"`
		Actor  *string
		Detail *string
	}
	err := st.read(ctx).Table("audit_log").Select("audit_log.*, audit_actors.actor, audit_actors.detail").
		Joins("LEFT JOIN audit_actors ON audit_actors.audit_id = audit_log.id").
		Where("audit_log.account_id = ?", account).Order("audit_log.at DESC, audit_log.id DESC").Limit(limit).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	list := make([]Event, 0, len(rows))
	for _, r := range rows {
		list = append(list, Event{
			At: r.Note.At.UTC(), Name: r.Note.Event, Actor: value(r.Actor), Detail: value(r.Detail),
			From: Client{IP: r.Note.IP, UserAgent: r.Note.UserAgent},
		})
	}
	return list, nil
}

// statistics counts accounts and sessions, and what began on each day since first.
func (st *store) statistics(ctx context.Context, now, first time.Time) (all Statistics, ups, ins map[string]int, err error) {
	r := st.read(ctx)
	var accounts, suspended int64
	if err = r.Model(&accountRow{}).Count(&accounts).Error; err != nil {
		return all, nil, nil, err
	}
	if err = r.Model(&suspensionRow{}).Count(&suspended).Error; err != nil {
		return all, nil, nil, err
	}
	var used struct{ Live, Day, Week, Month int }
	// Sessions of deleted accounts are remembered for a while, and nobody's.
	const within = "COUNT(DISTINCT CASE WHEN last_used_at > ? THEN account_id END)"
	err = r.Model(&sessionRow{}).Where("account_id IN (SELECT id FROM accounts)").Select("COUNT(CASE WHEN revoked_at IS NULL AND expires_at > ? THEN 1 END) AS live, "+
		within+" AS day, "+within+" AS week, "+within+" AS month",
		now, now.AddDate(0, 0, -1), now.AddDate(0, 0, -7), now.AddDate(0, 0, -30)).Scan(&used).Error
	if err != nil {
		return all, nil, nil, err
	}
	if ups, err = st.perDay(r.Model(&accountRow{}), first); err != nil {
		return all, nil, nil, err
	}
	ins, err = st.perDay(r.Model(&sessionRow{}), first)
	return Statistics{
		Accounts: int(accounts), Suspended: int(suspended), Sessions: used.Live, Active: [3]int{used.Day, used.Week, used.Month},
	}, ups, ins, err
}

// perDay counts rows by the day (UTC) on which they were made.
func (st *store) perDay(tx *gorm.DB, first time.Time) (map[string]int, error) {
	var rows []struct {
		Day string
		N   int
	}
	day := "DATE_FORMAT(created_at, '%Y-%m-%d')"
	if st.db.Dialect == db.SQLite {
		day = "DATE(created_at / 1000000, 'unixepoch')" // times are microseconds there
	}
	err := tx.Select(day+" AS day, COUNT(*) AS n").Where("created_at >= ?", first).Group(day).Scan(&rows).Error
	found := make(map[string]int, len(rows))
	for _, r := range rows {
		found[r.Day] = r.N
	}
	return found, err
}
