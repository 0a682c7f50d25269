package auth

import (
	"context"
	"encoding/json"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// registered is the event of a new account; also the answer about an account.
func registered(acc Account) events.Registered {
	return events.Registered{
		UserID: acc.ID.String(), Username: acc.Username, DisplayName: acc.DisplayName, CreatedAt: acc.CreatedAt,
	}
}

// event makes the outbox row of one event. once is what it happens once to, an
// account or a session, and so makes the message id.
func event(name string, user, once id.ID, at time.Time, body any) (outbox.Row, error) {
	data, err := json.Marshal(body)
	return outbox.Row{
		ID: id.New(), Subject: events.Subject(events.ServiceAuth, name, user.String()),
		MsgID: name + "-" + once.String(), Type: name, Payload: data, CreatedAt: at,
	}, err
}

func registeredRows(acc Account) ([]outbox.Row, error) {
	row, err := event(events.NameRegistered, acc.ID, acc.ID, acc.CreatedAt, registered(acc))
	return []outbox.Row{row}, err
}

// publish hands committed rows to the relay.
func (s *Service) publish(rows []outbox.Row) {
	if s.relay != nil && len(rows) > 0 {
		s.relay.Publish(rows)
	}
}

// storeNewAccount stores an account with its first session.
func (s *Service) storeNewAccount(ctx context.Context, acc Account, hash string, invitation *tokenHash, from Client) (Grant, error) {
	if err := s.keys.warm(ctx); err != nil {
		return Grant{}, err
	}
	sess, token, secret := s.startSession(acc, from)
	rows, err := registeredRows(acc)
	if err != nil {
		return Grant{}, err
	}
	before, err := s.replaced(ctx, from, sess.CreatedAt)
	if err != nil {
		return Grant{}, err
	}
	done, err := s.store.createAccount(ctx, newAccount{
		account: acc, hash: hash, session: &sess, token: token, before: before, invitation: invitation, events: rows,
		audit: audit(acc.CreatedAt, eventSignUp, acc, from).of(sess.ID),
	})
	if err != nil {
		return Grant{}, err
	}
	s.endedAll(before.over, sess.CreatedAt, append(done.ended, rows...))
	return s.grant(acc, sess, secret, done.enrol)
}

// storeAdmin stores an account that an operator made.
func (s *Service) storeAdmin(ctx context.Context, acc Account, hash string) error {
	rows, err := registeredRows(acc)
	if err != nil {
		return err
	}
	_, err = s.store.createAccount(ctx, newAccount{
		account: acc, hash: hash, events: rows, audit: audit(acc.CreatedAt, eventAdminCreated, acc, Client{}),
	})
	if err != nil {
		return err
	}
	s.publish(rows)
	return nil
}

// rotate exchanges a refresh token; the grant is set for rotateOK only.
func (s *Service) rotate(ctx context.Context, hash tokenHash, from Client) (Grant, rotateOutcome, error) {
	var grant Grant
	var over id.ID
	now := s.now()
	outcome, rows, err := s.store.rotate(ctx, rotation{
		hash: hash, now: now,
		next: func(sess session, acc Account, enrol bool) (session, refreshToken, error) {
			sess.LastUsedAt, sess.ExpiresAt, sess.From = now, s.slide(sess, now), from
			secret, token := newRefreshToken(sess, now)
			var err error
			grant, err = s.grant(acc, sess, secret, enrol)
			return sess, token, err
		},
		ended: func(sess session, acc Account) (auditRow, []outbox.Row, error) {
			over = sess.ID
			note, rows, err := s.ending(sess, reasonReused, eventReuse, now, from)
			if err != nil {
				return note, nil, err
			}
			letter, err := mailRows(mailing{to: acc, kind: mailReused, device: sess.From.device(), at: now})
			return note, append(rows, letter...), err
		},
	})
	if err != nil {
		return Grant{}, outcome, err
	}
	s.ended(over, now, rows)
	return grant, outcome, nil
}

// revoke ends a session, if it is live, and tells everybody.
func (s *Service) revoke(ctx context.Context, sess id.ID, reason, auditEvent string, from Client) error {
	now := s.now()
	rows, err := s.store.revoke(ctx, sess, reason, now, func(sess session) (auditRow, []outbox.Row, error) {
		return s.ending(sess, reason, auditEvent, now, from)
	})
	if err != nil {
		return err
	}
	s.ended(sess, now, rows)
	return nil
}

// ended tells everybody about sessions that are over: this process at once,
// the others when the event arrives.
func (s *Service) ended(sess id.ID, now time.Time, rows []outbox.Row) {
	s.publish(rows)
	if s.verifier != nil && !sess.IsZero() {
		s.verifier.Revoke(sess, now.Add(s.cfg.AccessTokenTTL))
	}
}

// ending is what the end of a session leaves behind.
func (s *Service) ending(sess session, reason, auditEvent string, now time.Time, from Client) (auditRow, []outbox.Row, error) {
	row, err := event(events.NameSessionRevoked, sess.AccountID, sess.ID, now, events.SessionRevoked{
		UserID: sess.AccountID.String(), SessionID: sess.ID.String(), Reason: reason, At: now,
	})
	return audit(now, auditEvent, Account{ID: sess.AccountID}, from).of(sess.ID), []outbox.Row{row}, err
}

// answerJWKS answers events.RPCJWKS.
func (s *Service) answerJWKS(ctx context.Context, _ []byte) (any, error) {
	set, err := s.keys.jwks(ctx)
	if err != nil {
		return nil, err
	}
	return events.JWKSReply{JWKS: set}, nil
}

// answerAccount answers events.RPCAccount. Error: not-found.
func (s *Service) answerAccount(ctx context.Context, req []byte) (any, error) {
	var ask events.UserRequest
	if err := json.Unmarshal(req, &ask); err != nil {
		return nil, errs.Wrap(errs.InvalidBody, "not a user request", err)
	}
	user, err := id.Parse(ask.UserID)
	if err != nil {
		return nil, errs.New(errs.NotFound, "There is no such account.")
	}
	acc, ok, err := s.store.account(ctx, user)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errs.New(errs.NotFound, "There is no such account.")
	}
	return registered(acc), nil
}
