-- +goose Up
-- Who blocked whom. A row stays when the block is lifted: its version orders the
-- events about this pair.
CREATE TABLE IF NOT EXISTS blocks (
  blocker_id BINARY(16)       NOT NULL,
  blocked_id BINARY(16)       NOT NULL,
  active     TINYINT UNSIGNED NOT NULL,
  version    BIGINT UNSIGNED  NOT NULL,
  changed_at DATETIME(6)      NOT NULL,
  PRIMARY KEY (blocker_id, blocked_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS blocks;
