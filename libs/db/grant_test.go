package db_test

import (
	"context"
	"strings"
	"testing"

	"chatapp/libs/db"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// A service that waits for a version must find its rights when it sees it.
func TestRightsAreThereBeforeTheVersion(t *testing.T) {
	url := testkit.MariaDB(t)
	admin, err := db.OpenMySQL(db.MySQLOptions{URL: url, Log: testkit.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close() //nolint:errcheck // the test is over
	user := "app_" + id.New().String()[:8]
	schema := url[strings.LastIndex(url, "/")+1:]
	for _, sql := range []string{"CREATE USER '" + user + "'@'%'", "GRANT SELECT ON " + schema + ".* TO '" + user + "'@'%'"} {
		if err := admin.W.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = testkit.Exec(context.Background(), url, "DROP USER '"+user+"'@'%'") })
	app, err := db.OpenMySQL(db.MySQLOptions{URL: strings.Replace(url, "root@", user+"@", 1), Log: testkit.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close() //nolint:errcheck // the test is over

	var early bool
	admin.GrantOnMigrate(user, func(table string) []string {
		if table != "things" {
			return nil
		}
		pending, err := app.Pending(t.Context(), migrations())
		if err != nil {
			t.Errorf("what a waiting service sees: %v", err)
		}
		early = early || pending
		return []string{"INSERT"}
	})
	if err := admin.Migrate(t.Context(), migrations()); err != nil {
		t.Fatal(err)
	}
	if !early {
		t.Error("the rights came after the version")
	}
	if pending, err := app.Pending(t.Context(), migrations()); err != nil || pending {
		t.Errorf("pending %v, %v", pending, err)
	}
	if err := app.W.Exec("INSERT INTO things SELECT * FROM things WHERE 1=0").Error; err != nil {
		t.Errorf("granted: %v", err)
	}
	if err := app.W.Exec("DELETE FROM things").Error; err == nil {
		t.Error("a right that was not granted")
	}
}
