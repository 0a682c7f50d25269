-- +goose Up
CREATE TABLE IF NOT EXISTS suspensions (
    account_id   BLOB     NOT NULL PRIMARY KEY,
    reason       TEXT     NOT NULL,
    suspended_by TEXT     NOT NULL,
    suspended_at DATETIME NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS invitations (
    id         BLOB     NOT NULL PRIMARY KEY,
    token_hash BLOB     NOT NULL,
    note       TEXT     NOT NULL,
    max_uses   INTEGER  NOT NULL,
    uses       INTEGER  NOT NULL,
    made_by    TEXT     NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS invitations_token ON invitations (token_hash);
CREATE INDEX IF NOT EXISTS invitations_expires ON invitations (expires_at);

CREATE TABLE IF NOT EXISTS settings (
    name       TEXT     NOT NULL PRIMARY KEY,
    value      TEXT     NOT NULL,
    changed_at DATETIME NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS audit_actors (
    audit_id BLOB NOT NULL PRIMARY KEY,
    actor_id BLOB NULL,
    actor    TEXT NOT NULL,
    detail   TEXT NOT NULL
) WITHOUT ROWID;
