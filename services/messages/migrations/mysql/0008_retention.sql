-- +goose Up
-- How long texts are kept, in one row that the migration makes: days (0: for
-- ever) is what administrators want, previous what holds until takes_effect_at.
-- version counts the changes. lease_by erases at present, until lease_until;
-- walked is up to which conversation there are retention_marks.
CREATE TABLE IF NOT EXISTS retention (
  id              TINYINT UNSIGNED  NOT NULL PRIMARY KEY,
  days            SMALLINT UNSIGNED NOT NULL,
  previous        SMALLINT UNSIGNED NOT NULL,
  takes_effect_at DATETIME(6)       NULL,
  version         BIGINT UNSIGNED   NOT NULL,
  changed_at      DATETIME(6)       NULL,
  lease_by        BINARY(16)        NULL,
  lease_until     DATETIME(6)       NULL,
  walked          BINARY(16)        NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- chatapp: locks one row of the table that was made just now
INSERT IGNORE INTO retention (id, days, previous, version) VALUES (1, 0, 0, 0);

-- How far each conversation was erased, and when the next message of it was
-- written at the earliest: what is due is found without looking at the others.
CREATE TABLE IF NOT EXISTS retention_marks (
  conversation_id BINARY(16)      NOT NULL PRIMARY KEY,
  erased_seq      BIGINT UNSIGNED NOT NULL,
  due_at          DATETIME(6)     NOT NULL,
  KEY retention_marks_due (due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- How many messages were written on a day (UTC), and of how many of them
-- retention erased the text.
CREATE TABLE IF NOT EXISTS message_days (
  day      CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  messages BIGINT UNSIGNED NOT NULL,
  erased   BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- When a person last wrote, to some minutes.
CREATE TABLE IF NOT EXISTS writers (
  user_id BINARY(16)  NOT NULL PRIMARY KEY,
  last_at DATETIME(6) NOT NULL,
  KEY writers_last (last_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The copies in closed reports go with the texts; then sent_at is NULL.
ALTER TABLE reports ADD INDEX reports_sent (state, sent_at), ALGORITHM=INPLACE, LOCK=NONE;

-- +goose Down
ALTER TABLE reports DROP INDEX reports_sent, ALGORITHM=INPLACE, LOCK=NONE;
DROP TABLE IF EXISTS writers;
DROP TABLE IF EXISTS message_days;
DROP TABLE IF EXISTS retention_marks;
DROP TABLE IF EXISTS retention;
