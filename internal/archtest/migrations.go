package archtest

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

var (
	repeatableTable = regexp.MustCompile(`(?i)^CREATE TABLE IF NOT EXISTS\b`)
	changeTable     = regexp.MustCompile(`(?i)^(ALTER TABLE|CREATE (UNIQUE )?INDEX|DROP INDEX)\b`)
	gentle          = regexp.MustCompile(`(?i)ALGORITHM ?= ?INSTANT|ALGORITHM ?= ?INPLACE,? LOCK ?= ?NONE`)
	takesAway       = regexp.MustCompile(`(?i)\b(DROP (TABLE|COLUMN)|RENAME|MODIFY|CHANGE)\b`)
	modifies        = regexp.MustCompile(`(?i)^ALTER TABLE \w+ MODIFY COLUMN [^,]*(, ALGORITHM ?= ?\w+)?$`)
	sqlComment      = regexp.MustCompile(`(?m)^\s*--.*$`)
)

// CheckMigrations holds every migration below services/ of root against the
// rules that make an upgrade without downtime: both engines have it; statements
// may run twice; from the second migration on no statement locks a table out, or
// the file says why it may ("-- chatapp: locks ..."); and what older programs
// need is taken away in a migration marked "-- chatapp: contract" only; a column
// that gets room for more says so ("-- chatapp: widens ...").
func CheckMigrations(root fs.FS) (found []string, err error) {
	files, err := fs.Glob(root, "services/*/migrations/*/*.sql")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return nil, err
		}
		other := strings.Replace(file, "/mysql/", "/sqlite/", 1)
		if other == file {
			other = strings.Replace(file, "/sqlite/", "/mysql/", 1)
		}
		if _, err := fs.Stat(root, other); err != nil {
			found = append(found, fmt.Sprintf("%s: %s is missing", file, other))
		}
		for _, wrong := range migration(file, string(text)) {
			found = append(found, file+": "+wrong)
		}
	}
	return found, nil
}

func migration(file, text string) (found []string) {
	if strings.Contains(text, "+goose StatementBegin") || strings.Contains(text, "+goose NO TRANSACTION") {
		found = append(found, "one plain statement after the other, each ended by a semicolon")
	}
	first := strings.HasPrefix(path.Base(file), "0001_")
	mysql := strings.Contains(file, "/mysql/")
	widens := strings.Contains(text, "\n-- chatapp: widens ")
	contract, locks := strings.Contains(text, "\n-- chatapp: contract"), strings.Contains(text, "\n-- chatapp: locks ")
	up, _, _ := strings.Cut(text, "-- +goose Down")
	for s := range strings.SplitSeq(sqlComment.ReplaceAllString(up, ""), ";") {
		s = strings.Join(strings.Fields(s), " ")
		switch {
		case s == "" || repeatableTable.MatchString(s):
		case !contract && takesAway.MatchString(s) && (!widens || !modifies.MatchString(s)):
			found = append(found, `takes away what older programs need without "-- chatapp: contract": `+s)
		case first || !mysql || locks:
			// Nobody writes to an empty schema; SQLite has one process.
		case !changeTable.MatchString(s):
			found = append(found, `may hold rows locked for long: do it in the program, in small transactions, or say why it is harmless with "-- chatapp: locks ...": `+s)
		case !gentle.MatchString(s):
			found = append(found, "needs ALGORITHM=INSTANT, or ALGORITHM=INPLACE, LOCK=NONE, so that the database refuses instead of locking writers out: "+s)
		}
		if strings.HasPrefix(strings.ToUpper(s), "CREATE TABLE ") && !repeatableTable.MatchString(s) {
			found = append(found, "may run twice after a crash: CREATE TABLE IF NOT EXISTS")
		}
	}
	return found
}
