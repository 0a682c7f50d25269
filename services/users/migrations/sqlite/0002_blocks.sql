-- +goose Up
-- Who blocked whom. A row stays when the block is lifted: its version orders the
-- events about this pair.
CREATE TABLE IF NOT EXISTS blocks (
  blocker_id BLOB     NOT NULL,
  blocked_id BLOB     NOT NULL,
  active     INTEGER  NOT NULL,
  version    INTEGER  NOT NULL,
  changed_at DATETIME NOT NULL,
  PRIMARY KEY (blocker_id, blocked_id)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE IF EXISTS blocks;
