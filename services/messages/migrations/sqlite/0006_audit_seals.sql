-- +goose Up
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
