-- +goose Up
-- Who does not tell how far they have read: a projection of users' events. Its
-- effect stands in members.shown_seq, as that of a block does.
CREATE TABLE IF NOT EXISTS receipts (
  user_id BINARY(16)       NOT NULL,
  hidden  TINYINT UNSIGNED NOT NULL,
  version BIGINT UNSIGNED  NOT NULL,
  PRIMARY KEY (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS receipts;
