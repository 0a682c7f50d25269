-- +goose Up
CREATE TABLE IF NOT EXISTS deleted_accounts (
    account_id    BLOB     NOT NULL PRIMARY KEY,
    username_hash BLOB     NOT NULL,
    deleted_at    DATETIME NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS deleted_accounts_username ON deleted_accounts (username_hash);

-- +goose Down
DROP TABLE IF EXISTS deleted_accounts;
