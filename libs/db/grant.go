package db

import (
	"context"
	"fmt"
	"strings"
)

// GrantOnMigrate makes Migrate give user its rights, see Grant, before it records
// a version: who waits for that version may use it at once.
func (d *DB) GrantOnMigrate(user string, verbs func(table string) []string) {
	d.grant = func(ctx context.Context) error { return d.Grant(ctx, user, verbs) }
}

// Grant gives user (of any host) on each table of the schema the verbs that
// verbs lists for it, and none where it lists none. Only for MySQL; granting
// again changes nothing. It takes no verb away.
func (d *DB) Grant(ctx context.Context, user string, verbs func(table string) []string) error {
	var tables []string
	err := d.R.WithContext(ctx).Raw("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name").Scan(&tables).Error
	if err != nil {
		return fmt.Errorf("grants for %s: %w", user, err)
	}
	for _, table := range tables {
		list := verbs(table)
		if len(list) == 0 {
			continue
		}
		// Names of tables and users are ours; GRANT takes no parameters.
		sql := fmt.Sprintf("GRANT %s ON `%s` TO '%s'@'%%'", strings.Join(list, ", "), table, user)
		if err := d.W.WithContext(ctx).Exec(sql).Error; err != nil {
			return fmt.Errorf("grants for %s on %s: %w", user, table, err)
		}
	}
	return nil
}
