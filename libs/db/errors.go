package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"chatapp/libs/errs"
)

// Kind is what an error of a database means for the caller.
type Kind int

// The kinds.
const (
	Other       Kind = iota // a bug or bad input
	Retryable               // another transaction was in the way: the same one may pass now
	Unavailable             // the database cannot answer, or not write: connection, read-only, disk full
	Duplicate               // a unique key is taken
)

// extra is the classifier of the embedded database, when one is linked.
var extra atomic.Pointer[func(error) Kind]

// RegisterClassifier adds the classifier of a driver this package does not
// link. Called once by libs/platform/embedded.
func RegisterClassifier(fn func(error) Kind) { extra.Store(&fn) }

// IsDuplicate reports whether err says that a unique key is already taken.
func IsDuplicate(err error) bool { return classify(err) == Duplicate }

// IsUnavailable reports whether err says that the database cannot answer or
// not write: lost connection, shutdown, read-only, disk full, pool exhausted
// until the deadline. Nothing is known about a COMMIT that failed this way.
func IsUnavailable(err error) bool { return classify(err) == Unavailable }

// IsRetryable reports whether err says that a concurrent transaction was in
// the way (deadlock, lock wait timeout, busy); Tx retries these itself.
func IsRetryable(err error) bool { return classify(err) == Retryable }

// Wrap turns an error of a database that cannot answer into an *errs.Error
// with slug unavailable; everything else is returned as it is. Statements on
// W, R and Tx are wrapped already: it is for database/sql used directly.
func Wrap(err error) error {
	if err == nil || errs.Is(err, errs.Unavailable) || !IsUnavailable(err) {
		return err
	}
	return unavailable(err)
}

func unavailable(cause error) *errs.Error {
	e := errs.Wrap(errs.Unavailable, "The database cannot be reached right now. Nothing is lost: try again in a moment.", cause)
	e.RetryAfter = time.Second
	return e
}

// mysqlKinds sorts MySQL's and MariaDB's error numbers.
var mysqlKinds = map[uint16]Kind{
	1062: Duplicate, 1586: Duplicate, // duplicate entry
	1213: Retryable,                                                                               // deadlock
	1205: Retryable,                                                                               // lock wait timeout
	1020: Retryable,                                                                               // record has changed since last read (MariaDB snapshot isolation)
	3101: Retryable,                                                                               // group replication rolled back in certification
	3572: Retryable,                                                                               // NOWAIT and locked
	1021: Unavailable, 1026: Unavailable, 1030: Unavailable, 1114: Unavailable, 1180: Unavailable, // disk full, engine errors
	1037: Unavailable, 1038: Unavailable, 1041: Unavailable, // out of memory
	1040: Unavailable, 1129: Unavailable, 1135: Unavailable, 1203: Unavailable, 1226: Unavailable, // too many connections
	1044: Unavailable, 1045: Unavailable, // access denied: a password was changed under us
	1047: Unavailable,                                       // galera node not ready
	1053: Unavailable, 1077: Unavailable, 1079: Unavailable, // shutting down
	1158: Unavailable, 1159: Unavailable, 1160: Unavailable, 1161: Unavailable, // network
	1223: Unavailable, 1290: Unavailable, 1792: Unavailable, 1836: Unavailable, // global read lock, read-only
	1317: Unavailable, 1927: Unavailable, 4031: Unavailable, // interrupted, connection killed, idle too long
	3032: Unavailable, 3168: Unavailable, 3169: Unavailable, // offline mode, not available, session killed
	// Group replication: the commit was refused (no majority), or the wait for
	// what the primary before had accepted ended.
	3100: Unavailable, 3796: Unavailable, 3797: Unavailable, 3798: Unavailable,
}

func classify(err error) Kind {
	if err == nil {
		return Other
	}
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return Duplicate
	}
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return mysqlKinds[my.Number]
	}
	if fn := extra.Load(); fn != nil {
		if k := (*fn)(err); k != Other {
			return k
		}
	}
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded) {
		return Unavailable
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return Unavailable
	}
	return Other
}
