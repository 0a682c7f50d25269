-- +goose Up
CREATE TABLE IF NOT EXISTS suspensions (
    account_id   BINARY(16)   NOT NULL PRIMARY KEY,
    reason       VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    suspended_by VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    suspended_at DATETIME(6)  NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS invitations (
    id         BINARY(16)   NOT NULL PRIMARY KEY,
    token_hash BINARY(32)   NOT NULL,
    note       VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    max_uses   INT          NOT NULL,
    uses       INT          NOT NULL,
    made_by    VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    expires_at DATETIME(6)  NOT NULL,
    UNIQUE KEY invitations_token (token_hash),
    KEY invitations_expires (expires_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS settings (
    name       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    value      TEXT        CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    changed_at DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS audit_actors (
    audit_id BINARY(16)   NOT NULL PRIMARY KEY,
    actor_id BINARY(16)   NULL,
    actor    VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    detail   VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
