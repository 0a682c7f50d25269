package auth

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

type sessionRow struct {
	ID           id.ID  `gorm:"column:id;primaryKey"`
	AccountID    id.ID  `gorm:"column:account_id"`
	IP           string `gorm:"column:ip"`
	UserAgent    string `gorm:"column:user_agent"`
	CreatedAt    time.Time
	LastUsedAt   time.Time
	ExpiresAt    time.Time
	RevokedAt    *time.Time
	RevokeReason string `gorm:"column:revoke_reason"`
}

// TableName implements gorm's Tabler.
func (sessionRow) TableName() string { return "sessions" }

func (r sessionRow) session() session {
	return session{
		ID: r.ID, AccountID: r.AccountID, From: Client{IP: r.IP, UserAgent: r.UserAgent},
		CreatedAt: r.CreatedAt.UTC(), LastUsedAt: r.LastUsedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
		RevokedAt: timeOf(r.RevokedAt), RevokeReason: r.RevokeReason,
	}
}

type refreshRow struct {
	TokenHash []byte `gorm:"column:token_hash;primaryKey"`
	SessionID id.ID  `gorm:"column:session_id"`
	CreatedAt time.Time
	RotatedAt *time.Time
	KeepUntil time.Time
}

// TableName implements gorm's Tabler.
func (refreshRow) TableName() string { return "refresh_tokens" }

func (r refreshRow) token() refreshToken {
	t := refreshToken{SessionID: r.SessionID, CreatedAt: r.CreatedAt.UTC(), RotatedAt: timeOf(r.RotatedAt), KeepUntil: r.KeepUntil.UTC()}
	copy(t.Hash[:], r.TokenHash)
	return t
}

// stored is what became of a session that was to be stored.
type stored struct {
	methods []string     // of the second step, which is needed first; nil = it was stored
	enrol   bool         // its owner has to set up a second step
	ended   []outbox.Row // the events of the session that it replaced
}

// openSession stores acc's session, and ends the one that the same browser had.
func (st *store) openSession(tx *gorm.DB, acc Account, s session, t refreshToken, before *replacing) (done stored, err error) {
	if done.enrol, err = mustEnrol(tx, acc); err != nil {
		return done, err
	}
	if err := insertSession(tx, s, t); err != nil {
		return done, err
	}
	if before != nil && !before.ending.only.IsZero() {
		done.ended, err = st.endIn(tx, before.ending, s.CreatedAt, before.leave)
	}
	return done, err
}

func insertSession(tx *gorm.DB, s session, t refreshToken) error {
	row := sessionRow{
		ID: s.ID, AccountID: s.AccountID, IP: s.From.IP, UserAgent: s.From.UserAgent,
		CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, ExpiresAt: s.ExpiresAt,
	}
	if err := tx.Create(&row).Error; err != nil {
		return err
	}
	return insertToken(tx, t)
}

func insertToken(tx *gorm.DB, t refreshToken) error {
	return tx.Create(&refreshRow{TokenHash: t.Hash[:], SessionID: t.SessionID, CreatedAt: t.CreatedAt, KeepUntil: t.KeepUntil}).Error
}

// newLogin is what one successful login writes.
type newLogin struct {
	account Account
	session session
	token   refreshToken
	before  *replacing // what the browser had
	attempt attempt
	event   string // of the audit row; "" = eventLogin
	audit   auditRow

	// proof is the second factor that was shown; nil for none.
	proof *proof
	// challenge is the one that ends with the session when there is a proof
	// (zero = none); else the one to store when a second step is needed.
	challenge tokenHash
	asked     auditRow
	mail      []outbox.Row
}

// createLogin stores the session and forgets the failures before it. Where the
// account has a second factor and n has no proof, it stores the challenge
// instead and answers with the methods of the second step. The account's row is
// locked first, as in changeFactors: no session starts under old rules after
// the rules changed. Errors: those of mayStart; errNotProved; challenge-expired
// when another request was first.
func (st *store) createLogin(ctx context.Context, n newLogin) (done stored, err error) {
	err = st.db.Tx(ctx, func(tx *gorm.DB) error {
		done = stored{}
		now := n.session.CreatedAt
		methods, err := st.mustProve(tx, n)
		if err != nil {
			return err
		}
		try := n.attempt
		if len(methods) > 0 {
			done.methods = methods
			return st.askSecond(tx, n, &try)
		}
		if n.proof != nil {
			if err := endChallenge(tx, n.challenge); err != nil {
				return err
			}
			if err := spendIn(tx, *n.proof, now); err != nil {
				return err
			}
		}
		if done, err = st.openSession(tx, n.account, n.session, n.token, n.before); err != nil {
			return err
		}
		if err := st.releaseIn(tx, &try, true, now); err != nil {
			return err
		}
		if err := tx.Create(&n.audit).Error; err != nil {
			return err
		}
		return outbox.Insert(tx, n.mail)
	})
	return done, err
}

// rotation says what a refresh does once its token and session are locked.
type rotation struct {
	hash tokenHash
	now  time.Time
	// next makes the session's new state and its new token; enrol says that its
	// owner has to set up a second step.
	next func(sess session, acc Account, enrol bool) (session, refreshToken, error)
	// ended makes what the end of a session for reuse leaves behind.
	ended func(session, Account) (auditRow, []outbox.Row, error)
}

// rotate exchanges a token. The locks on the token's and then the session's
// row make concurrent exchanges wait for each other, so exactly one finds the
// token unused. It returns the events that were stored.
func (st *store) rotate(ctx context.Context, r rotation) (rotateOutcome, []outbox.Row, error) {
	var outcome rotateOutcome
	var emitted []outbox.Row
	err := st.db.Tx(ctx, func(tx *gorm.DB) error {
		outcome, emitted = rotateGone, nil
		token, sess, err := st.lockToken(tx, r.hash)
		if err != nil || sess.ID.IsZero() {
			return err
		}
		outcome = judge(sess, token, r.now)
		switch outcome {
		case rotateOK:
			return st.replaceToken(tx, r, token, sess)
		case rotateReused:
			acc, _, err := accountOf(tx, sess.AccountID)
			if err != nil {
				return err
			}
			note, rows, err := r.ended(sess, acc)
			if err != nil {
				return err
			}
			emitted, err = endSession(tx, sess.ID, reasonReused, r.now, note, rows)
			return err
		}
		return nil
	})
	return outcome, emitted, err
}

func (st *store) lockToken(tx *gorm.DB, hash tokenHash) (refreshToken, session, error) {
	var token refreshRow
	var sess sessionRow
	err := st.db.ForUpdate(tx).Where("token_hash = ?", hash[:]).Take(&token).Error
	if err == nil {
		err = st.db.ForUpdate(tx).Where("id = ?", token.SessionID).Take(&sess).Error
	}
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return refreshToken{}, session{}, nil
	}
	return token.token(), sess.session(), err
}

func (st *store) replaceToken(tx *gorm.DB, r rotation, old refreshToken, sess session) error {
	acc, ok, err := accountOf(tx, sess.AccountID)
	if err != nil || !ok {
		return firstError(err, errSessionOver())
	}
	// A suspension has ended the session; this is for ways to start one that forget to ask.
	if suspended, err := isSuspended(tx, acc.ID); err != nil || suspended {
		return firstError(err, errSessionOver())
	}
	enrol, err := mustEnrol(tx, acc)
	if err != nil {
		return err
	}
	sess, fresh, err := r.next(sess, acc, enrol)
	if err != nil {
		return err
	}
	used := tx.Model(&refreshRow{}).Where("token_hash = ? AND rotated_at IS NULL", old.Hash[:]).
		UpdateColumns(map[string]any{"rotated_at": r.now, "keep_until": r.now.Add(rotatedFor)})
	if used.Error != nil {
		return used.Error
	}
	if used.RowsAffected != 1 {
		return errors.New("auth: a locked refresh token changed") // cannot happen; the lock would be broken
	}
	if err := insertToken(tx, fresh); err != nil {
		return err
	}
	return tx.Model(&sessionRow{}).Where("id = ?", sess.ID).UpdateColumns(map[string]any{
		"last_used_at": sess.LastUsedAt, "expires_at": sess.ExpiresAt,
		"ip": sess.From.IP, "user_agent": sess.From.UserAgent,
	}).Error
}

// endSession marks a live session as over, with its audit row and events. It
// returns the events, none when the session was over already.
func endSession(tx *gorm.DB, sess id.ID, reason string, at time.Time, note auditRow, rows []outbox.Row) ([]outbox.Row, error) {
	done := tx.Model(&sessionRow{}).Where("id = ? AND revoked_at IS NULL", sess).
		UpdateColumns(map[string]any{"revoked_at": at, "revoke_reason": reason})
	if done.Error != nil || done.RowsAffected == 0 {
		return nil, done.Error
	}
	if err := tx.Create(&note).Error; err != nil {
		return nil, err
	}
	return rows, outbox.Insert(tx, rows)
}

// revoke ends a session, if there is such a live one. ended makes what that
// leaves behind. It returns the events that were stored.
func (st *store) revoke(ctx context.Context, sess id.ID, reason string, at time.Time, ended func(session) (auditRow, []outbox.Row, error)) ([]outbox.Row, error) {
	var emitted []outbox.Row
	err := st.db.Tx(ctx, func(tx *gorm.DB) error {
		emitted = nil
		var row sessionRow
		err := st.db.ForUpdate(tx).Where("id = ?", sess).Take(&row).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		note, rows, err := ended(row.session())
		if err != nil {
			return err
		}
		emitted, err = endSession(tx, sess, reason, at, note, rows)
		return err
	})
	return emitted, err
}

// ownerOfSession is the account of a session; Nil when there is no such session.
func (st *store) ownerOfSession(ctx context.Context, sess id.ID) (id.ID, error) {
	var rows []sessionRow
	err := st.read(ctx).Where("id = ?", sess).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return id.Nil, err
	}
	return rows[0].AccountID, nil
}

// sessionOf finds the session of a refresh token of any generation; Nil when
// the token is unknown.
func (st *store) sessionOf(ctx context.Context, hash tokenHash) (id.ID, error) {
	var row refreshRow
	err := st.read(ctx).Where("token_hash = ?", hash[:]).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return id.Nil, nil
	}
	return row.SessionID, err
}

// liveSessions are the sessions of an account that can be used at now, the one
// last used first.
func (st *store) liveSessions(ctx context.Context, account id.ID, now time.Time) ([]session, error) {
	return sessionsOf(st.read(ctx), ending{account: account}, now)
}

// sessionsOf finds the live sessions that an ending chooses.
func sessionsOf(tx *gorm.DB, e ending, now time.Time) ([]session, error) {
	q := tx.Where("account_id = ? AND revoked_at IS NULL AND expires_at > ?", e.account, now)
	if !e.only.IsZero() {
		q = q.Where("id = ?", e.only)
	}
	if !e.except.IsZero() {
		q = q.Where("id <> ?", e.except)
	}
	var rows []sessionRow
	if err := q.Order("last_used_at DESC, id").Find(&rows).Error; err != nil {
		return nil, err
	}
	list := make([]session, 0, len(rows))
	for _, r := range rows {
		list = append(list, r.session())
	}
	return list, nil
}

// endSessions ends the live sessions that e chooses. leave makes what that
// leaves behind. It returns the events that were stored.
func (st *store) endSessions(ctx context.Context, e ending, at time.Time, leave leaveFunc) (emitted []outbox.Row, err error) {
	err = st.db.Tx(ctx, func(tx *gorm.DB) error {
		emitted, err = st.endIn(tx, e, at, leave)
		return err
	})
	return emitted, err
}

// leaveFunc makes the audit rows and events of sessions that end.
type leaveFunc func([]session) ([]auditRow, []outbox.Row, error)

// endIn is endSessions as part of a larger transaction.
func (st *store) endIn(tx *gorm.DB, e ending, at time.Time, leave leaveFunc) ([]outbox.Row, error) {
	live, err := sessionsOf(st.db.ForUpdate(tx), e, at)
	if err != nil {
		return nil, err
	}
	notes, rows, err := leave(live)
	if err != nil || len(live) == 0 {
		return nil, err
	}
	ids := make([]id.ID, 0, len(live))
	for _, sess := range live {
		ids = append(ids, sess.ID)
	}
	err = tx.Model(&sessionRow{}).Where("id IN ?", ids).
		UpdateColumns(map[string]any{"revoked_at": at, "revoke_reason": e.reason}).Error
	if err != nil {
		return nil, err
	}
	if err := tx.Create(&notes).Error; err != nil {
		return nil, err
	}
	return rows, outbox.Insert(tx, rows)
}
