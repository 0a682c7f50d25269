-- +goose Up
-- What people did to their profiles, and whom they blocked. Rows are only ever
-- inserted; the service's database user may do no more. libs/audit/schema.md
CREATE TABLE IF NOT EXISTS audit_log (
  id         BINARY(16)   NOT NULL PRIMARY KEY,
  at         DATETIME(6)  NOT NULL,
  event      VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id BINARY(16)   NULL,
  session_id BINARY(16)   NULL,
  ip         VARCHAR(45)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_agent VARCHAR(255) NOT NULL,
  detail     TEXT         NOT NULL,
  KEY audit_log_account (account_id, at),
  KEY audit_log_at (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS audit_seals (
    seq       BIGINT      NOT NULL PRIMARY KEY,
    at        DATETIME(6) NOT NULL,
    through   DATETIME(6) NOT NULL,
    row_count INT         NOT NULL,
    previous  BINARY(32)  NOT NULL,
    hash      BINARY(32)  NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS audit_seal_rows (
    row_id   BINARY(16) NOT NULL PRIMARY KEY,
    seal_seq BIGINT     NOT NULL,
    row_hash BINARY(32) NOT NULL,
    KEY audit_seal_rows_seal (seal_seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- +goose Down
DROP TABLE IF EXISTS audit_seal_rows;
DROP TABLE IF EXISTS audit_seals;
DROP TABLE IF EXISTS audit_log;
