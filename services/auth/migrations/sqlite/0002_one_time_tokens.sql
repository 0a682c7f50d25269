-- +goose Up
CREATE TABLE IF NOT EXISTS one_time_tokens (
    token_hash BLOB     NOT NULL PRIMARY KEY,
    account_id BLOB     NOT NULL,
    purpose    TEXT     NOT NULL,
    email      TEXT     NOT NULL,
    email_key  TEXT     NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    used_at    DATETIME NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS one_time_tokens_account ON one_time_tokens (account_id, purpose);
CREATE INDEX IF NOT EXISTS one_time_tokens_expires ON one_time_tokens (expires_at);

CREATE TABLE IF NOT EXISTS confirmed_emails (
    account_id   BLOB     NOT NULL PRIMARY KEY,
    email_key    TEXT     NOT NULL,
    confirmed_at DATETIME NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS dead_letters (
    id         BLOB     NOT NULL PRIMARY KEY,
    stream     TEXT     NOT NULL,
    subject    TEXT     NOT NULL,
    msg_id     TEXT     NOT NULL,
    type       TEXT     NOT NULL,
    payload    BLOB     NOT NULL,
    error      TEXT     NOT NULL,
    tries      INTEGER  NOT NULL,
    created_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dead_letters_created_at ON dead_letters (created_at);
