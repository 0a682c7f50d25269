-- +goose Up
-- What people reported, with a copy of the message as it was. open_key is a hash
-- of reporter and target while the report is open, so that there is one of each;
-- state: 0 open, 1 closed.
CREATE TABLE IF NOT EXISTS reports (
  id            BLOB     NOT NULL PRIMARY KEY,
  open_key      BLOB     NULL,
  state         INTEGER  NOT NULL,
  reporter_id   BLOB     NOT NULL,
  user_id       BLOB     NOT NULL,
  message_id    BLOB     NULL,
  body          TEXT     NOT NULL,
  sent_at       DATETIME NULL,
  reason        TEXT     NOT NULL,
  note          TEXT     NOT NULL,
  created_at    DATETIME NOT NULL,
  decision      TEXT     NOT NULL DEFAULT '',
  decision_note TEXT     NOT NULL,
  decided_by    BLOB     NULL,
  decided_at    DATETIME NULL,
  UNIQUE (open_key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reports_state ON reports (state, id);
CREATE INDEX IF NOT EXISTS reports_reporter ON reports (reporter_id, created_at);

-- What was done to reports and what operators looked for. Rows are only ever
-- inserted; the service's database user may do no more.
CREATE TABLE IF NOT EXISTS audit_log (
  id         BLOB     NOT NULL PRIMARY KEY,
  at         DATETIME NOT NULL,
  event      TEXT     NOT NULL,
  account_id BLOB     NULL,
  session_id BLOB     NULL,
  ip         TEXT     NOT NULL,
  user_agent TEXT     NOT NULL,
  detail     TEXT     NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS audit_log_account ON audit_log (account_id, at);
CREATE INDEX IF NOT EXISTS audit_log_at ON audit_log (at);

-- +goose Down
DROP TABLE IF EXISTS audit_log;
DROP TABLE IF EXISTS reports;
