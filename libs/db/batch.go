package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// Read is one SELECT of a Batch. Row is called for each row of the result and
// scans it. Values are placeholders ("?") in SQL, of the types that Insert takes.
type Read struct {
	SQL  string
	Args []any
	Row  func(*sql.Rows) error
}

// ForUpdate at the end of a Read's SQL locks the rows it finds until the end of
// the transaction. On SQLite, where the transaction is the only writer anyway,
// Batch leaves it out.
const ForUpdate = " FOR UPDATE"

// Insert is one multi-row INSERT of a Batch. Rows holds the values row after
// row: nil, uint8, uint64, string, []byte, time.Time or anything with a Value
// method that gives one of these (id.ID). Where the row's key is there already
// the columns named in Set get the new values, and the others stay; without
// Set it is a Duplicate error.
type Insert struct {
	Table   string
	Columns []string
	Set     []string
	Rows    []any
}

// Batch runs one write transaction in the fewest possible steps: all reads, in
// order, then all writes and the COMMIT. On MySQL each of the two is one round
// trip; with SQLite there are none, and statements are prepared once per batch.
//
// begin starts a try from nothing and says what to read; write says what to
// write, given what the reads found. Both run again when another transaction
// was in the way, exactly as with Tx, whose errors these are too.
func (d *DB) Batch(ctx context.Context, begin func() []Read, write func() ([]Insert, error)) error {
	once := d.batchSQLite
	if d.Dialect == MySQL {
		once = d.batchMySQL
	}
	return d.retry(ctx, func() error { return once(ctx, begin(), write) })
}

func (d *DB) batchMySQL(ctx context.Context, reads []Read, write func() ([]Insert, error)) (err error) {
	conn, err := d.scripts.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer func() {
		if err != nil {
			err = errors.Join(err, rollback(ctx, conn))
		}
	}()
	var s script
	s.raw("START TRANSACTION")
	for _, r := range reads {
		s.statement(r.SQL, r.Args)
	}
	if err := s.err; err != nil {
		return err
	}
	d.statements.Add(uint64(len(reads)))
	if err := readAll(ctx, conn, s.String(), reads); err != nil {
		return err
	}
	inserts, err := write()
	if err != nil {
		return err
	}
	s = script{}
	for _, i := range inserts {
		s.insert(i)
	}
	if s.err != nil {
		return s.err
	}
	d.statements.Add(uint64(len(inserts)))
	s.raw("COMMIT")
	_, err = conn.ExecContext(ctx, s.String())
	return err
}

// readAll runs the script and gives each result to its Read.
func readAll(ctx context.Context, conn *sql.Conn, text string, reads []Read) error {
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for i, r := range reads {
		if i > 0 && !rows.NextResultSet() {
			return errors.Join(rows.Err(), fmt.Errorf("db: result %d of a batch is missing", i))
		}
		for rows.Next() {
			if err := r.Row(rows); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// rollback ends a transaction that failed. Where that is not possible the
// connection is given up, which ends it as well.
func rollback(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		return conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	return nil
}

func (d *DB) batchSQLite(ctx context.Context, reads []Read, write func() ([]Insert, error)) error {
	return d.W.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		conn := tx.Statement.ConnPool
		for _, r := range reads {
			d.statements.Add(1)
			rows, err := conn.QueryContext(ctx, strings.TrimSuffix(r.SQL, ForUpdate), r.Args...)
			if err != nil {
				return err
			}
			for err == nil && rows.Next() {
				err = r.Row(rows)
			}
			if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
				return err
			}
		}
		inserts, err := write()
		if err != nil {
			return err
		}
		for _, i := range inserts {
			d.statements.Add(1)
			if err := insertEach(ctx, conn, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// insertEach executes one prepared INSERT per row: parsing a statement of a
// thousand placeholders costs SQLite more than executing it.
func insertEach(ctx context.Context, conn gorm.ConnPool, i Insert) error {
	tail := ""
	if set := i.assign("%[1]s = excluded.%[1]s"); set != "" {
		tail = " ON CONFLICT DO UPDATE SET " + set
	}
	width := len(i.Columns)
	stmt, err := conn.PrepareContext(ctx, i.head()+"(?"+strings.Repeat(",?", width-1)+")"+tail)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for from := 0; from < len(i.Rows); from += width {
		if _, err := stmt.ExecContext(ctx, i.Rows[from:from+width]...); err != nil {
			return err
		}
	}
	return nil
}

func (i Insert) head() string {
	return "INSERT INTO " + i.Table + " (" + strings.Join(i.Columns, ", ") + ") VALUES "
}

// assign writes the assignments for a row that is there already.
func (i Insert) assign(format string) string {
	list := make([]string, len(i.Set))
	for n, c := range i.Set {
		list[n] = fmt.Sprintf(format, c)
	}
	return strings.Join(list, ", ")
}
