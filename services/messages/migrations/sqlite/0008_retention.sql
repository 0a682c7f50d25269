-- +goose Up
-- How long texts are kept, in one row that the migration makes: days (0: for
-- ever) is what administrators want, previous what holds until takes_effect_at.
-- version counts the changes. lease_by erases at present, until lease_until;
-- walked is up to which conversation there are retention_marks.
CREATE TABLE IF NOT EXISTS retention (
  id              INTEGER  NOT NULL PRIMARY KEY,
  days            INTEGER  NOT NULL,
  previous        INTEGER  NOT NULL,
  takes_effect_at DATETIME NULL,
  version         INTEGER  NOT NULL,
  changed_at      DATETIME NULL,
  lease_by        BLOB     NULL,
  lease_until     DATETIME NULL,
  walked          BLOB     NULL
);
INSERT OR IGNORE INTO retention (id, days, previous, version) VALUES (1, 0, 0, 0);

-- How far each conversation was erased, and when the next message of it was
-- written at the earliest: what is due is found without looking at the others.
CREATE TABLE IF NOT EXISTS retention_marks (
  conversation_id BLOB     NOT NULL PRIMARY KEY,
  erased_seq      INTEGER  NOT NULL,
  due_at          DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS retention_marks_due ON retention_marks (due_at);

-- How many messages were written on a day (UTC), and of how many of them
-- retention erased the text.
CREATE TABLE IF NOT EXISTS message_days (
  day      TEXT    NOT NULL PRIMARY KEY,
  messages INTEGER NOT NULL,
  erased   INTEGER NOT NULL
) WITHOUT ROWID;

-- When a person last wrote, to some minutes.
CREATE TABLE IF NOT EXISTS writers (
  user_id BLOB     NOT NULL PRIMARY KEY,
  last_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS writers_last ON writers (last_at);

-- The copies in closed reports go with the texts; then sent_at is NULL.
CREATE INDEX IF NOT EXISTS reports_sent ON reports (state, sent_at);

-- +goose Down
DROP INDEX IF EXISTS reports_sent;
DROP TABLE IF EXISTS writers;
DROP TABLE IF EXISTS message_days;
DROP TABLE IF EXISTS retention_marks;
DROP TABLE IF EXISTS retention;
