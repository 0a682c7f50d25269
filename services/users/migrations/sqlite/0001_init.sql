-- +goose Up
CREATE TABLE IF NOT EXISTS profiles (
  user_id      BLOB     NOT NULL PRIMARY KEY,
  username     TEXT     NOT NULL,
  display_name TEXT     NOT NULL,
  version      INTEGER  NOT NULL,
  created_at   DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS profiles_by_username ON profiles (username, user_id);

-- Derived from profiles. Bytes, not text: a prefix is a range of bytes, so no
-- collation and no LIKE wildcard has a say.
CREATE TABLE IF NOT EXISTS search_terms (
  user_id BLOB NOT NULL,
  term    BLOB NOT NULL,
  PRIMARY KEY (user_id, term)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS search_terms_by_term ON search_terms (term, user_id);

CREATE TABLE IF NOT EXISTS outbox (
    id         BLOB     NOT NULL PRIMARY KEY,
    subject    TEXT     NOT NULL,
    msg_id     TEXT     NOT NULL,
    type       TEXT     NOT NULL,
    payload    BLOB     NOT NULL,
    created_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outbox_created_at ON outbox (created_at);

CREATE TABLE IF NOT EXISTS dead_letters (
    id         BLOB     NOT NULL PRIMARY KEY,
    stream     TEXT     NOT NULL,
    subject    TEXT     NOT NULL,
    msg_id     TEXT     NOT NULL,
    type       TEXT     NOT NULL,
    payload    BLOB     NOT NULL,
    error      TEXT     NOT NULL,
    tries      INTEGER  NOT NULL,
    created_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dead_letters_created_at ON dead_letters (created_at);

-- +goose Down
DROP TABLE IF EXISTS dead_letters;
DROP TABLE IF EXISTS outbox;
DROP TABLE IF EXISTS search_terms;
DROP TABLE IF EXISTS profiles;
