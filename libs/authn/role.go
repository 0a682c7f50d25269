package authn

import (
	"context"

	"chatapp/libs/errs"
)

// The roles of accounts, each of which may also do what those before it may.
const (
	RoleUser      = "user"
	RoleModerator = "moderator"
	RoleAdmin     = "admin"
)

var ranks = map[string]int{RoleUser: 1, RoleModerator: 2, RoleAdmin: 3}

// RequireRole returns who is calling when they have at least that role. Error:
// not-found, because for everybody else there is no such page.
func RequireRole(ctx context.Context, least string) (Identity, error) {
	who := From(ctx)
	if !Includes(who.Role, least) {
		return Identity{}, errs.New(errs.NotFound, "There is no such page.")
	}
	return who, nil
}

// Includes says whether somebody with a role may do what one of least may;
// false when either is unknown.
func Includes(role, least string) bool {
	return ranks[least] > 0 && ranks[role] >= ranks[least]
}
