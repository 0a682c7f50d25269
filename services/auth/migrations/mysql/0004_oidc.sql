-- +goose Up
CREATE TABLE IF NOT EXISTS oidc_identities (
    identity_hash BINARY(32)   NOT NULL PRIMARY KEY,
    account_id    BINARY(16)   NOT NULL,
    provider      VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    issuer        VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject       VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    label         VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at    DATETIME(6)  NOT NULL,
    UNIQUE KEY oidc_identities_account (account_id, issuer)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS oidc_flows (
    state_hash   BINARY(32)   NOT NULL PRIMARY KEY,
    browser_hash BINARY(32)   NOT NULL,
    provider     VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    account_id   BINARY(16)   NULL,
    session_id   BINARY(16)   NULL,
    return_to    VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at   DATETIME(6)  NOT NULL,
    expires_at   DATETIME(6)  NOT NULL,
    used_at      DATETIME(6)  NULL,
    KEY oidc_flows_expires (expires_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
