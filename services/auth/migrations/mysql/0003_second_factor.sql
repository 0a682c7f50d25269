-- +goose Up
CREATE TABLE IF NOT EXISTS totp_factors (
    account_id   BINARY(16)    NOT NULL PRIMARY KEY,
    secret       VARBINARY(64) NOT NULL,
    last_step    BIGINT        NOT NULL,
    created_at   DATETIME(6)   NOT NULL,
    activated_at DATETIME(6)   NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS recovery_codes (
    code_hash  BINARY(32)  NOT NULL PRIMARY KEY,
    account_id BINARY(16)  NOT NULL,
    created_at DATETIME(6) NOT NULL,
    used_at    DATETIME(6) NULL,
    KEY recovery_codes_account (account_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS passkeys (
    id              BINARY(16)      NOT NULL PRIMARY KEY,
    account_id      BINARY(16)      NOT NULL,
    credential_hash BINARY(32)      NOT NULL,
    credential_id   VARBINARY(1023) NOT NULL,
    public_key      BLOB            NOT NULL,
    name            VARCHAR(64)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    sign_count      BIGINT          NOT NULL,
    flags           INT             NOT NULL,
    transports      VARCHAR(128)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at      DATETIME(6)     NOT NULL,
    last_used_at    DATETIME(6)     NULL,
    UNIQUE KEY passkeys_credential (credential_hash),
    KEY passkeys_account (account_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS login_challenges (
    challenge_hash BINARY(32)  NOT NULL PRIMARY KEY,
    account_id     BINARY(16)  NOT NULL,
    tries          INT         NOT NULL,
    created_at     DATETIME(6) NOT NULL,
    expires_at     DATETIME(6) NOT NULL,
    KEY login_challenges_account (account_id),
    KEY login_challenges_expires (expires_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS passkey_challenges (
    challenge_hash BINARY(32)  NOT NULL PRIMARY KEY,
    account_id     BINARY(16)  NOT NULL,
    purpose        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    expires_at     DATETIME(6) NOT NULL,
    KEY passkey_challenges_expires (expires_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- +goose Down
DROP TABLE IF EXISTS passkey_challenges;
DROP TABLE IF EXISTS login_challenges;
DROP TABLE IF EXISTS passkeys;
DROP TABLE IF EXISTS recovery_codes;
DROP TABLE IF EXISTS totp_factors;
