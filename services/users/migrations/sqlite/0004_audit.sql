-- +goose Up
-- What people did to their profiles, and whom they blocked. Rows are only ever
-- inserted; the service's database user may do no more. libs/audit/schema.md
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

CREATE TABLE IF NOT EXISTS audit_seals (
    seq       INTEGER  NOT NULL PRIMARY KEY,
    at        DATETIME NOT NULL,
    through   DATETIME NOT NULL,
    row_count INTEGER  NOT NULL,
    previous  BLOB     NOT NULL,
    hash      BLOB     NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS audit_seal_rows (
    row_id   BLOB    NOT NULL PRIMARY KEY,
    seal_seq INTEGER NOT NULL,
    row_hash BLOB    NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS audit_seal_rows_seal ON audit_seal_rows (seal_seq);

-- +goose Down
DROP TABLE IF EXISTS audit_seal_rows;
DROP TABLE IF EXISTS audit_seals;
DROP TABLE IF EXISTS audit_log;
