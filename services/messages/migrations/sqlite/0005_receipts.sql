-- +goose Up
-- Who does not tell how far they have read: a projection of users' events. Its
-- effect stands in members.shown_seq, as that of a block does.
CREATE TABLE IF NOT EXISTS receipts (
  user_id BLOB    NOT NULL PRIMARY KEY,
  hidden  INTEGER NOT NULL,
  version INTEGER NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE IF EXISTS receipts;
