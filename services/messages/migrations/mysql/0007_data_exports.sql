-- +goose Up
-- What a person asked to download: one at most, the newest. state: 0 waiting,
-- 1 running, 2 ready, 3 failed. worker names the one attempt that may write to it,
-- until lease_until; try_at is when a waiting one may be begun; failing_since is
-- when the first of the attempts failed that are failing now.
CREATE TABLE IF NOT EXISTS data_exports (
  user_id       BINARY(16)       NOT NULL PRIMARY KEY,
  id            BINARY(16)       NOT NULL,
  state         TINYINT UNSIGNED NOT NULL,
  done          BIGINT UNSIGNED  NOT NULL,
  total         BIGINT UNSIGNED  NOT NULL,
  size          BIGINT UNSIGNED  NOT NULL,
  tries         INT UNSIGNED     NOT NULL,
  reason        VARCHAR(32)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at    DATETIME(6)      NOT NULL,
  try_at        DATETIME(6)      NOT NULL,
  failing_since DATETIME(6)      NULL,
  worker        BINARY(16)       NULL,
  lease_until   DATETIME(6)      NULL,
  ready_at      DATETIME(6)      NULL,
  expires_at    DATETIME(6)      NULL,
  UNIQUE KEY data_exports_id (id),
  KEY data_exports_state (state, created_at),
  KEY data_exports_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The file in pieces, n from 0: every replica can serve it without a shared disk.
-- Pieces of an export that is no more are swept.
CREATE TABLE IF NOT EXISTS data_export_parts (
  export_id BINARY(16)   NOT NULL,
  n         INT UNSIGNED NOT NULL,
  bytes     MEDIUMBLOB   NOT NULL,
  PRIMARY KEY (export_id, n)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS data_export_parts;
DROP TABLE IF EXISTS data_exports;
