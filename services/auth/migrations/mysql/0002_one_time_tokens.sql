-- +goose Up
CREATE TABLE IF NOT EXISTS one_time_tokens (
    token_hash BINARY(32)   NOT NULL PRIMARY KEY,
    account_id BINARY(16)   NOT NULL,
    purpose    VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    email      VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    email_key  VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    expires_at DATETIME(6)  NOT NULL,
    used_at    DATETIME(6)  NULL,
    KEY one_time_tokens_account (account_id, purpose),
    KEY one_time_tokens_expires (expires_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS confirmed_emails (
    account_id   BINARY(16)   NOT NULL PRIMARY KEY,
    email_key    VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    confirmed_at DATETIME(6)  NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS dead_letters (
    id         BINARY(16)   NOT NULL,
    stream     VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject    VARCHAR(255) NOT NULL,
    msg_id     VARCHAR(128) NOT NULL,
    type       VARCHAR(64)  NOT NULL,
    payload    MEDIUMBLOB   NOT NULL,
    error      TEXT         NOT NULL,
    tries      INT          NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    PRIMARY KEY (id),
    KEY dead_letters_created_at (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
