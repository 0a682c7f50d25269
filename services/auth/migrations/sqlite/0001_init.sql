-- +goose Up
CREATE TABLE IF NOT EXISTS accounts (
    id           BLOB     NOT NULL PRIMARY KEY,
    username     TEXT     NOT NULL,
    email        TEXT     NULL,
    email_key    TEXT     NULL,
    display_name TEXT     NOT NULL,
    role         TEXT     NOT NULL,
    created_at   DATETIME NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS accounts_username ON accounts (username);
CREATE UNIQUE INDEX IF NOT EXISTS accounts_email ON accounts (email_key);

CREATE TABLE IF NOT EXISTS credentials (
    account_id    BLOB     NOT NULL PRIMARY KEY,
    password_hash TEXT     NOT NULL,
    changed_at    DATETIME NOT NULL
);

CREATE TABLE IF NOT EXISTS sessions (
    id            BLOB     NOT NULL PRIMARY KEY,
    account_id    BLOB     NOT NULL,
    ip            TEXT     NOT NULL,
    user_agent    TEXT     NOT NULL,
    created_at    DATETIME NOT NULL,
    last_used_at  DATETIME NOT NULL,
    expires_at    DATETIME NOT NULL,
    revoked_at    DATETIME NULL,
    revoke_reason TEXT     NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS sessions_account ON sessions (account_id, created_at);
CREATE INDEX IF NOT EXISTS sessions_expires ON sessions (expires_at);

CREATE TABLE IF NOT EXISTS refresh_tokens (
    token_hash BLOB     NOT NULL PRIMARY KEY,
    session_id BLOB     NOT NULL,
    created_at DATETIME NOT NULL,
    rotated_at DATETIME NULL,
    keep_until DATETIME NOT NULL
);
CREATE INDEX IF NOT EXISTS refresh_tokens_session ON refresh_tokens (session_id);
CREATE INDEX IF NOT EXISTS refresh_tokens_keep ON refresh_tokens (keep_until);

CREATE TABLE IF NOT EXISTS signing_keys (
    generation  BIGINT   NOT NULL PRIMARY KEY,
    kid         TEXT     NOT NULL,
    seed        BLOB     NOT NULL,
    created_at  DATETIME NOT NULL,
    active_from DATETIME NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS signing_keys_kid ON signing_keys (kid);

CREATE TABLE IF NOT EXISTS login_attempts (
    attempt_key   BLOB     NOT NULL PRIMARY KEY,
    kind          TEXT     NOT NULL,
    hits          BIGINT   NOT NULL,
    blocked_until DATETIME NULL,
    window_ends   DATETIME NOT NULL
);
CREATE INDEX IF NOT EXISTS login_attempts_window ON login_attempts (window_ends);

CREATE TABLE IF NOT EXISTS audit_log (
    id         BLOB     NOT NULL PRIMARY KEY,
    at         DATETIME NOT NULL,
    event      TEXT     NOT NULL,
    account_id BLOB     NULL,
    session_id BLOB     NULL,
    ip         TEXT     NOT NULL,
    user_agent TEXT     NOT NULL
);
CREATE INDEX IF NOT EXISTS audit_log_account ON audit_log (account_id, at);
CREATE INDEX IF NOT EXISTS audit_log_at ON audit_log (at);

CREATE TABLE IF NOT EXISTS outbox (
    id         BLOB     NOT NULL PRIMARY KEY,
    subject    TEXT     NOT NULL,
    msg_id     TEXT     NOT NULL,
    type       TEXT     NOT NULL,
    payload    BLOB     NOT NULL,
    created_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outbox_created_at ON outbox (created_at);
