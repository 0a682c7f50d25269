-- +goose Up
CREATE TABLE IF NOT EXISTS profiles (
  user_id      BINARY(16)      NOT NULL,
  username     VARCHAR(64)     NOT NULL,
  display_name VARCHAR(64)     NOT NULL,
  version      BIGINT UNSIGNED NOT NULL,
  created_at   DATETIME(6)     NOT NULL,
  PRIMARY KEY (user_id),
  KEY profiles_by_username (username, user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Derived from profiles. Bytes, not text: a prefix is a range of bytes, so no
-- collation and no LIKE wildcard has a say.
CREATE TABLE IF NOT EXISTS search_terms (
  user_id BINARY(16)     NOT NULL,
  term    VARBINARY(128) NOT NULL,
  PRIMARY KEY (user_id, term),
  KEY search_terms_by_term (term, user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

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

-- +goose Down
DROP TABLE IF EXISTS dead_letters;
DROP TABLE IF EXISTS outbox;
DROP TABLE IF EXISTS search_terms;
DROP TABLE IF EXISTS profiles;
