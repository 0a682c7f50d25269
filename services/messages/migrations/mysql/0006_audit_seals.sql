-- +goose Up
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
