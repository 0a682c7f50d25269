-- +goose Up

-- Facts about this schema: "epoch" changes when a backup is restored, so that
-- no client believes a cursor of another history.
CREATE TABLE IF NOT EXISTS meta (
  name  VARCHAR(32)  CHARACTER SET ascii NOT NULL PRIMARY KEY,
  value VARCHAR(255) CHARACTER SET ascii NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What messages needs to know of people: a projection of users' events.
CREATE TABLE IF NOT EXISTS people (
  user_id      BINARY(16)      NOT NULL PRIMARY KEY,
  username     VARCHAR(64)     NOT NULL,
  display_name VARCHAR(255)    NOT NULL,
  version      BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- direct_key is both user ids in byte order: opening a conversation with the
-- same person twice, from either side, meets the same row.
CREATE TABLE IF NOT EXISTS conversations (
  id         BINARY(16)       NOT NULL PRIMARY KEY,
  kind       TINYINT UNSIGNED NOT NULL,
  direct_key BINARY(32)       NULL,
  created_at DATETIME(6)      NOT NULL,
  UNIQUE KEY conversations_direct (direct_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A conversation as one member has it. last_seq is the seq of its newest message,
-- the same in all its rows, so that a post changes one row per member and no
-- other. activity is the event_seq of that message in this member's own log: it
-- orders the member's list of conversations without any clock. It has no index:
-- it changes with every message, and sorting is cheaper when the list is read.
CREATE TABLE IF NOT EXISTS members (
  conversation_id BINARY(16)      NOT NULL,
  user_id         BINARY(16)      NOT NULL,
  last_seq        BIGINT UNSIGNED NOT NULL,
  read_seq        BIGINT UNSIGNED NOT NULL,
  activity        BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (conversation_id, user_id),
  KEY members_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- id is a hash of sender_id and client_id, so its unique key is also the one that
-- makes a post idempotent.
CREATE TABLE IF NOT EXISTS messages (
  conversation_id BINARY(16)      NOT NULL,
  seq             BIGINT UNSIGNED NOT NULL,
  id              BINARY(16)      NOT NULL,
  sender_id       BINARY(16)      NOT NULL,
  client_id       BINARY(16)      NOT NULL,
  body            TEXT            NOT NULL,
  created_at      DATETIME(6)     NOT NULL,
  PRIMARY KEY (conversation_id, seq),
  UNIQUE KEY messages_id (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The head of each user's log, and how much of it was trimmed.
CREATE TABLE IF NOT EXISTS user_clocks (
  user_id     BINARY(16)      NOT NULL PRIMARY KEY,
  last_seq    BIGINT UNSIGNED NOT NULL,
  trimmed_seq BIGINT UNSIGNED NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Each user's dense log. It refers to messages instead of copying them, so an
-- erased text is gone from here too. seq is the message's, or the read mark.
-- actor_id and created_at are NULL where they are those of the message.
CREATE TABLE IF NOT EXISTS user_events (
  user_id         BINARY(16)       NOT NULL,
  event_seq       BIGINT UNSIGNED  NOT NULL,
  kind            TINYINT UNSIGNED NOT NULL,
  conversation_id BINARY(16)       NOT NULL,
  seq             BIGINT UNSIGNED  NOT NULL,
  actor_id        BINARY(16)       NULL,
  created_at      DATETIME(6)      NULL,
  PRIMARY KEY (user_id, event_seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- libs/outbox/schema.md
CREATE TABLE IF NOT EXISTS outbox (
    id         BINARY(16)   NOT NULL,
    subject    VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    msg_id     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    type       VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payload    MEDIUMBLOB   NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    PRIMARY KEY (id),
    KEY outbox_created_at (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS dead_letters (
    id         BINARY(16)   NOT NULL,
    stream     VARCHAR(64)  NOT NULL,
    subject    VARCHAR(255) NOT NULL,
    msg_id     VARCHAR(128) NOT NULL,
    type       VARCHAR(64)  NOT NULL,
    payload    MEDIUMBLOB   NOT NULL,
    error      TEXT         NOT NULL,
    tries      INT          NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    PRIMARY KEY (id),
    KEY dead_letters_created_at (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
