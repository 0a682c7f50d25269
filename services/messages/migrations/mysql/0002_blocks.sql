-- +goose Up
-- Who blocked whom: a projection of users' events, the newest version of each pair.
CREATE TABLE IF NOT EXISTS blocks (
  blocker_id BINARY(16)       NOT NULL,
  blocked_id BINARY(16)       NOT NULL,
  active     TINYINT UNSIGNED NOT NULL,
  version    BIGINT UNSIGNED  NOT NULL,
  PRIMARY KEY (blocker_id, blocked_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- blocks again, where a post reads anyway. blocked: this member blocked the other.
-- shown_seq: how far others see that this member has read, while one of the two
-- blocks the other; NULL: as far as read_seq.
ALTER TABLE members ADD COLUMN blocked TINYINT UNSIGNED NOT NULL DEFAULT 0, ALGORITHM=INSTANT;
ALTER TABLE members ADD COLUMN shown_seq BIGINT UNSIGNED NULL, ALGORITHM=INSTANT;

-- +goose Down
ALTER TABLE members DROP COLUMN shown_seq;
ALTER TABLE members DROP COLUMN blocked;
DROP TABLE IF EXISTS blocks;
