-- +goose Up
CREATE TABLE IF NOT EXISTS accounts (
    id           BINARY(16)   NOT NULL PRIMARY KEY,
    username     VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    email        VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    email_key    VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NULL,
    display_name VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    role         VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at   DATETIME(6)  NOT NULL,
    UNIQUE KEY accounts_username (username),
    UNIQUE KEY accounts_email (email_key)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS credentials (
    account_id    BINARY(16)   NOT NULL PRIMARY KEY,
    password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    changed_at    DATETIME(6)  NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS sessions (
    id            BINARY(16)   NOT NULL PRIMARY KEY,
    account_id    BINARY(16)   NOT NULL,
    ip            VARCHAR(45)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_agent    VARCHAR(255) NOT NULL,
    created_at    DATETIME(6)  NOT NULL,
    last_used_at  DATETIME(6)  NOT NULL,
    expires_at    DATETIME(6)  NOT NULL,
    revoked_at    DATETIME(6)  NULL,
    revoke_reason VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    KEY sessions_account (account_id, created_at),
    KEY sessions_expires (expires_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS refresh_tokens (
    token_hash BINARY(32)  NOT NULL PRIMARY KEY,
    session_id BINARY(16)  NOT NULL,
    created_at DATETIME(6) NOT NULL,
    rotated_at DATETIME(6) NULL,
    keep_until DATETIME(6) NOT NULL,
    KEY refresh_tokens_session (session_id),
    KEY refresh_tokens_keep (keep_until)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS signing_keys (
    generation  BIGINT      NOT NULL PRIMARY KEY,
    kid         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    seed        BINARY(32)  NOT NULL,
    created_at  DATETIME(6) NOT NULL,
    active_from DATETIME(6) NOT NULL,
    UNIQUE KEY signing_keys_kid (kid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS login_attempts (
    attempt_key   BINARY(32)  NOT NULL PRIMARY KEY,
    kind          VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    hits          BIGINT      NOT NULL,
    blocked_until DATETIME(6) NULL,
    window_ends   DATETIME(6) NOT NULL,
    KEY login_attempts_window (window_ends)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS audit_log (
    id         BINARY(16)   NOT NULL PRIMARY KEY,
    at         DATETIME(6)  NOT NULL,
    event      VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    account_id BINARY(16)   NULL,
    session_id BINARY(16)   NULL,
    ip         VARCHAR(45)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_agent VARCHAR(255) NOT NULL,
    KEY audit_log_account (account_id, at),
    KEY audit_log_at (at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS outbox (
    id         BINARY(16)   NOT NULL,
    subject    VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    msg_id     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    type       VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payload    MEDIUMBLOB   NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    PRIMARY KEY (id),
    KEY outbox_created_at (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
