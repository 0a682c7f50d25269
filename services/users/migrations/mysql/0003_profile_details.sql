-- +goose Up
-- What a person says of themselves besides the name, and what they keep to
-- themselves. No row: nothing said, everything shown. The version orders the
-- events about privacy; that of the rest is profiles.version.
CREATE TABLE IF NOT EXISTS profile_details (
  user_id         BINARY(16)       NOT NULL,
  status_text     VARCHAR(100)     NOT NULL DEFAULT '',
  language        VARCHAR(35)      NOT NULL DEFAULT '',
  time_zone       VARCHAR(64)      NOT NULL DEFAULT '',
  picture_id      BINARY(16)       NULL,
  unlisted        TINYINT UNSIGNED NOT NULL DEFAULT 0,
  hide_last_seen  TINYINT UNSIGNED NOT NULL DEFAULT 0,
  hide_receipts   TINYINT UNSIGNED NOT NULL DEFAULT 0,
  privacy_version BIGINT UNSIGNED  NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A picture in each size, as the service drew it anew. Its id is random and is
-- all that is needed to see it; another picture gets another id.
CREATE TABLE IF NOT EXISTS pictures (
  picture_id BINARY(16)        NOT NULL,
  size       SMALLINT UNSIGNED NOT NULL,
  user_id    BINARY(16)        NOT NULL,
  bytes      MEDIUMBLOB        NOT NULL,
  PRIMARY KEY (picture_id, size),
  KEY pictures_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- When a person was last connected, to about a minute. Of no great worth: it is
-- told over the bus without a stored event.
CREATE TABLE IF NOT EXISTS last_seen (
  user_id BINARY(16)  NOT NULL,
  seen_at DATETIME(6) NOT NULL,
  PRIMARY KEY (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS last_seen;
DROP TABLE IF EXISTS pictures;
DROP TABLE IF EXISTS profile_details;
