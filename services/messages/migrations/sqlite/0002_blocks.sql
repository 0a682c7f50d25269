-- +goose Up
-- Who blocked whom: a projection of users' events, the newest version of each pair.
CREATE TABLE IF NOT EXISTS blocks (
  blocker_id BLOB    NOT NULL,
  blocked_id BLOB    NOT NULL,
  active     INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  PRIMARY KEY (blocker_id, blocked_id)
) WITHOUT ROWID;

-- blocks again, where a post reads anyway. blocked: this member blocked the other.
-- shown_seq: how far others see that this member has read, while one of the two
-- blocks the other; NULL: as far as read_seq.
ALTER TABLE members ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN shown_seq INTEGER NULL;

-- +goose Down
ALTER TABLE members DROP COLUMN shown_seq;
ALTER TABLE members DROP COLUMN blocked;
DROP TABLE IF EXISTS blocks;
