package authn

import (
	"testing"

	"chatapp/libs/errs"
)

func TestRequireRole(t *testing.T) {
	for role, may := range map[string][3]bool{
		"": {}, "boss": {}, "Admin": {},
		RoleUser: {true, false, false}, RoleModerator: {true, true, false}, RoleAdmin: {true, true, true},
	} {
		ctx := With(t.Context(), Identity{Username: "ada", Role: role})
		for i, least := range []string{RoleUser, RoleModerator, RoleAdmin} {
			who, err := RequireRole(ctx, least)
			if may[i] != (err == nil) || err == nil && who.Username != "ada" || err != nil && !errs.Is(err, errs.NotFound) {
				t.Errorf("%q where %q is needed: %+v, %v", role, least, who, err)
			}
		}
		if _, err := RequireRole(ctx, "owner"); err == nil {
			t.Errorf("%q passes for an unknown role", role)
		}
	}
	if _, err := RequireRole(t.Context(), RoleUser); !errs.Is(err, errs.NotFound) {
		t.Errorf("nobody signed in: %v", err)
	}
}
