-- +goose Up
CREATE TABLE IF NOT EXISTS deleted_accounts (
    account_id    BINARY(16)  NOT NULL PRIMARY KEY,
    username_hash BINARY(32)  NOT NULL,
    deleted_at    DATETIME(6) NOT NULL,
    UNIQUE KEY deleted_accounts_username (username_hash)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- +goose Down
DROP TABLE IF EXISTS deleted_accounts;
