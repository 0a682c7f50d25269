-- +goose Up
-- What a person says of themselves besides the name, and what they keep to
-- themselves. No row: nothing said, everything shown. The version orders the
-- events about privacy; that of the rest is profiles.version.
CREATE TABLE IF NOT EXISTS profile_details (
  user_id         BLOB    NOT NULL PRIMARY KEY,
  status_text     TEXT    NOT NULL DEFAULT '',
  language        TEXT    NOT NULL DEFAULT '',
  time_zone       TEXT    NOT NULL DEFAULT '',
  picture_id      BLOB    NULL,
  unlisted        INTEGER NOT NULL DEFAULT 0,
  hide_last_seen  INTEGER NOT NULL DEFAULT 0,
  hide_receipts   INTEGER NOT NULL DEFAULT 0,
  privacy_version INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- A picture in each size, as the service drew it anew. Its id is random and is
-- all that is needed to see it; another picture gets another id.
CREATE TABLE IF NOT EXISTS pictures (
  picture_id BLOB    NOT NULL,
  size       INTEGER NOT NULL,
  user_id    BLOB    NOT NULL,
  bytes      BLOB    NOT NULL,
  PRIMARY KEY (picture_id, size)
);
CREATE INDEX IF NOT EXISTS pictures_user ON pictures (user_id);

-- When a person was last connected, to about a minute. Of no great worth: it is
-- told over the bus without a stored event.
CREATE TABLE IF NOT EXISTS last_seen (
  user_id BLOB     NOT NULL PRIMARY KEY,
  seen_at DATETIME NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE IF EXISTS last_seen;
DROP TABLE IF EXISTS pictures;
DROP TABLE IF EXISTS profile_details;
