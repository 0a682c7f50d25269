-- +goose Up
CREATE TABLE IF NOT EXISTS oidc_identities (
    identity_hash BLOB     NOT NULL PRIMARY KEY,
    account_id    BLOB     NOT NULL,
    provider      TEXT     NOT NULL,
    issuer        TEXT     NOT NULL,
    subject       TEXT     NOT NULL,
    label         TEXT     NOT NULL,
    created_at    DATETIME NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS oidc_identities_account ON oidc_identities (account_id, issuer);

CREATE TABLE IF NOT EXISTS oidc_flows (
    state_hash   BLOB     NOT NULL PRIMARY KEY,
    browser_hash BLOB     NOT NULL,
    provider     TEXT     NOT NULL,
    account_id   BLOB     NULL,
    session_id   BLOB     NULL,
    return_to    TEXT     NOT NULL,
    created_at   DATETIME NOT NULL,
    expires_at   DATETIME NOT NULL,
    used_at      DATETIME NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS oidc_flows_expires ON oidc_flows (expires_at);
