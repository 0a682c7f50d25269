package archtest

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// TestMigrations checks those of all services.
func TestMigrations(t *testing.T) {
	root, _ := repo(t)
	found, err := CheckMigrations(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	clean(t, found)
}

// TestMigrationRulesCanFail breaks each rule once.
func TestMigrationRulesCanFail(t *testing.T) {
	for sql, want := range map[string]string{
		"ALTER TABLE a ADD COLUMN b BIGINT NULL, ALGORITHM=INSTANT;":                                 "",
		"CREATE INDEX i ON a (b) ALGORITHM=INPLACE LOCK=NONE;":                                       "",
		"-- chatapp: contract\nALTER TABLE a DROP COLUMN b, ALGORITHM=INSTANT;":                      "",
		"-- chatapp: locks a table of ten rows\nUPDATE a SET b = 1;":                                 "",
		"CREATE TABLE a (b BIGINT);":                                                                 "may run twice",
		"ALTER TABLE a ADD COLUMN b BIGINT NULL;":                                                    "needs ALGORITHM=INSTANT",
		"ALTER TABLE a ADD INDEX i (b), ALGORITHM=INPLACE, LOCK=SHARED;":                             "needs ALGORITHM=INSTANT",
		"ALTER TABLE a DROP COLUMN b, ALGORITHM=INSTANT;":                                            "takes away",
		"ALTER TABLE a MODIFY COLUMN b BIGINT NULL, ALGORITHM=INSTANT;":                              "takes away",
		"-- chatapp: widens b\nALTER TABLE a MODIFY COLUMN b BIGINT NULL, ALGORITHM=INSTANT;":        "",
		"-- chatapp: widens b\nALTER TABLE a DROP COLUMN b, ALGORITHM=INSTANT;":                      "takes away",
		"-- chatapp: widens b\nALTER TABLE a MODIFY COLUMN b INT, DROP COLUMN c, ALGORITHM=INSTANT;": "takes away",
		"DROP TABLE a;":       "takes away",
		"UPDATE a SET b = 1;": "may hold rows locked for long",
		"-- +goose StatementBegin\nUPDATE a SET b=1;": "one plain statement",
	} {
		file := &fstest.MapFile{Data: []byte("-- +goose Up\n" + sql + "\n")}
		found, err := CheckMigrations(fstest.MapFS{"services/x/migrations/mysql/0002_a.sql": file, "services/x/migrations/sqlite/0002_a.sql": {Data: []byte("-- +goose Up\n-- chatapp: contract\n")}})
		if all := strings.Join(found, "\n"); err != nil || (want == "") != (all == "") || !strings.Contains(all, want) {
			t.Errorf("%s\nfound %q, want %q (%v)", sql, all, want, err)
		}
	}
	found, err := CheckMigrations(fstest.MapFS{"services/x/migrations/mysql/0002_a.sql": {Data: []byte("-- +goose Up\n")}})
	if err != nil || len(found) != 1 || !strings.Contains(found[0], "sqlite/0002_a.sql is missing") {
		t.Errorf("%q %v", found, err)
	}
}
