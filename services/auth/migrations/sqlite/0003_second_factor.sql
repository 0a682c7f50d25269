-- +goose Up
CREATE TABLE IF NOT EXISTS totp_factors (
    account_id   BLOB     NOT NULL PRIMARY KEY,
    secret       BLOB     NOT NULL,
    last_step    INTEGER  NOT NULL,
    created_at   DATETIME NOT NULL,
    activated_at DATETIME NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS recovery_codes (
    code_hash  BLOB     NOT NULL PRIMARY KEY,
    account_id BLOB     NOT NULL,
    created_at DATETIME NOT NULL,
    used_at    DATETIME NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS recovery_codes_account ON recovery_codes (account_id);

CREATE TABLE IF NOT EXISTS passkeys (
    id              BLOB     NOT NULL PRIMARY KEY,
    account_id      BLOB     NOT NULL,
    credential_hash BLOB     NOT NULL,
    credential_id   BLOB     NOT NULL,
    public_key      BLOB     NOT NULL,
    name            TEXT     NOT NULL,
    sign_count      INTEGER  NOT NULL,
    flags           INTEGER  NOT NULL,
    transports      TEXT     NOT NULL,
    created_at      DATETIME NOT NULL,
    last_used_at    DATETIME NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS passkeys_credential ON passkeys (credential_hash);
CREATE INDEX IF NOT EXISTS passkeys_account ON passkeys (account_id);

CREATE TABLE IF NOT EXISTS login_challenges (
    challenge_hash BLOB     NOT NULL PRIMARY KEY,
    account_id     BLOB     NOT NULL,
    tries          INTEGER  NOT NULL,
    created_at     DATETIME NOT NULL,
    expires_at     DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS login_challenges_account ON login_challenges (account_id);
CREATE INDEX IF NOT EXISTS login_challenges_expires ON login_challenges (expires_at);

CREATE TABLE IF NOT EXISTS passkey_challenges (
    challenge_hash BLOB     NOT NULL PRIMARY KEY,
    account_id     BLOB     NOT NULL,
    purpose        TEXT     NOT NULL,
    expires_at     DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS passkey_challenges_expires ON passkey_challenges (expires_at);

-- +goose Down
DROP TABLE IF EXISTS passkey_challenges;
DROP TABLE IF EXISTS login_challenges;
DROP TABLE IF EXISTS passkeys;
DROP TABLE IF EXISTS recovery_codes;
DROP TABLE IF EXISTS totp_factors;
