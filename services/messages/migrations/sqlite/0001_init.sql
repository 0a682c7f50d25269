-- +goose Up

-- Facts about this schema: "epoch" changes when a backup is restored, so that
-- no client believes a cursor of another history.
CREATE TABLE IF NOT EXISTS meta (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- What messages needs to know of people: a projection of users' events.
CREATE TABLE IF NOT EXISTS people (
  user_id BLOB NOT NULL PRIMARY KEY,
  username TEXT NOT NULL,
  display_name TEXT NOT NULL,
  version INTEGER NOT NULL
) WITHOUT ROWID;

-- direct_key is both user ids in byte order: opening a conversation with the
-- same person twice, from either side, meets the same row.
CREATE TABLE IF NOT EXISTS conversations (
  id BLOB NOT NULL PRIMARY KEY,
  kind INTEGER NOT NULL,
  direct_key BLOB NULL,
  created_at DATETIME NOT NULL,
  UNIQUE (direct_key)
) WITHOUT ROWID;

-- A conversation as one member has it. last_seq is the seq of its newest message,
-- the same in all its rows, so that a post changes one row per member and no
-- other. activity is the event_seq of that message in this member's own log: it
-- orders the member's list of conversations without any clock. It has no index:
-- it changes with every message, and sorting is cheaper when the list is read.
CREATE TABLE IF NOT EXISTS members (
  conversation_id BLOB NOT NULL,
  user_id BLOB NOT NULL,
  last_seq INTEGER NOT NULL,
  read_seq INTEGER NOT NULL,
  activity INTEGER NOT NULL,
  PRIMARY KEY (conversation_id, user_id)
) WITHOUT ROWID;

-- id is a hash of sender_id and client_id, so its unique key is also the one that
-- makes a post idempotent.
CREATE TABLE IF NOT EXISTS messages (
  conversation_id BLOB NOT NULL,
  seq INTEGER NOT NULL,
  id BLOB NOT NULL,
  sender_id BLOB NOT NULL,
  client_id BLOB NOT NULL,
  body TEXT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (conversation_id, seq),
  UNIQUE (id)
) WITHOUT ROWID;

-- The head of each user's log, and how much of it was trimmed.
CREATE TABLE IF NOT EXISTS user_clocks (
  user_id BLOB NOT NULL PRIMARY KEY,
  last_seq INTEGER NOT NULL,
  trimmed_seq INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Each user's dense log. It refers to messages instead of copying them, so an
-- erased text is gone from here too. seq is the message's, or the read mark.
-- actor_id and created_at are NULL where they are those of the message.
CREATE TABLE IF NOT EXISTS user_events (
  user_id BLOB NOT NULL,
  event_seq INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  conversation_id BLOB NOT NULL,
  seq INTEGER NOT NULL,
  actor_id BLOB NULL,
  created_at DATETIME NULL,
  PRIMARY KEY (user_id, event_seq)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS members_user ON members (user_id);

-- libs/outbox/schema.md
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
