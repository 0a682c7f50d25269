package messages

import (
	"context"
	"strconv"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/id"
)

type policyRow struct {
	UserID   id.ID
	Who      audience
	AskFirst bool
}

// policy returns what user said of who may write; the zero policy when nothing.
func (s *store) policy(ctx context.Context, user id.ID) (policy, error) {
	return policyIn(s.db.R.WithContext(ctx), user)
}

func policyIn(g *gorm.DB, user id.ID) (policy, error) {
	rows, err := policies(g, []id.ID{user})
	if err != nil || len(rows) == 0 {
		return policy{}, err
	}
	return policy{who: rows[0].Who, askFirst: rows[0].AskFirst}, nil
}

func policies(g *gorm.DB, users []id.ID) (rows []policyRow, err error) {
	err = g.Raw("SELECT user_id, who, ask_first FROM contact_policies WHERE user_id "+in(len(users)), anys(users)...).Scan(&rows).Error
	return rows, db.Wrap(err)
}

// savePolicy keeps a policy and brings the gates of the person's conversations
// in line with it. Whoever opens one or writes to one at the same time holds the
// person's clock too: it comes before or after, never between.
func (s *store) savePolicy(ctx context.Context, by auditor, p policy) error {
	user := by.Account
	fresh, asked := p.gates()
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.holdClocks(tx, []id.ID{user}); err != nil {
			return err
		}
		before, err := policyIn(tx, user)
		if err != nil || before.who == fromGone {
			return err // of who is gone the token lives a moment longer
		}
		if before != p {
			what := detail(map[string]string{"who_may_write": audiences[p.who], "ask_first": strconv.FormatBool(p.askFirst)})
			if err := s.audit(tx, auditRow{at: now(), event: eventPolicyChanged, by: by, detail: what}); err != nil {
				return err
			}
		}
		err = tx.Exec("INSERT INTO contact_policies (user_id, who, ask_first) VALUES (?, 0, 0)"+s.onDuplicate("user_id"), user).Error
		if err != nil {
			return err
		}
		err = tx.Exec("UPDATE contact_policies SET who = ?, ask_first = ? WHERE user_id = ?", p.who, p.askFirst, user).Error
		if err != nil {
			return err
		}
		err = tx.Exec("UPDATE members SET gate = ? WHERE user_id = ? AND last_seq = 0", fresh, user).Error
		if err != nil {
			return err
		}
		return tx.Exec("UPDATE members SET gate = (gate & ?) | ? WHERE user_id = ? AND last_seq > 0 AND (gate & ?) > 0",
			gateRequest|gateIgnored, asked, user, gateRequest|gateIgnored).Error
	})
}

// applyPolicies gives a new conversation of two the gates of its members. Their
// clocks are held.
func applyPolicies(tx *gorm.DB, conversation id.ID, members []id.ID) error {
	if len(members) < 2 {
		return nil
	}
	rows, err := policies(tx, members)
	if err != nil {
		return err
	}
	for _, r := range rows {
		fresh, _ := policy{who: r.Who, askFirst: r.AskFirst}.gates()
		err := tx.Exec("UPDATE members SET gate = ? WHERE conversation_id = ? AND user_id = ?", fresh, conversation, r.UserID).Error
		if err != nil {
			return err
		}
	}
	return nil
}
