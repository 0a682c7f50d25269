-- +goose Up
-- What a person asked to download: one at most, the newest. state: 0 waiting,
-- 1 running, 2 ready, 3 failed. worker names the one attempt that may write to it,
-- until lease_until; try_at is when a waiting one may be begun; failing_since is
-- when the first of the attempts failed that are failing now.
CREATE TABLE IF NOT EXISTS data_exports (
  user_id       BLOB     NOT NULL PRIMARY KEY,
  id            BLOB     NOT NULL,
  state         INTEGER  NOT NULL,
  done          INTEGER  NOT NULL,
  total         INTEGER  NOT NULL,
  size          INTEGER  NOT NULL,
  tries         INTEGER  NOT NULL,
  reason        TEXT     NOT NULL,
  created_at    DATETIME NOT NULL,
  try_at        DATETIME NOT NULL,
  failing_since DATETIME NULL,
  worker        BLOB     NULL,
  lease_until   DATETIME NULL,
  ready_at      DATETIME NULL,
  expires_at    DATETIME NULL,
  UNIQUE (id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS data_exports_state ON data_exports (state, created_at);
CREATE INDEX IF NOT EXISTS data_exports_expires ON data_exports (expires_at);

-- The file in pieces, n from 0: every replica can serve it without a shared disk.
-- Pieces of an export that is no more are swept.
CREATE TABLE IF NOT EXISTS data_export_parts (
  export_id BLOB    NOT NULL,
  n         INTEGER NOT NULL,
  bytes     BLOB    NOT NULL,
  PRIMARY KEY (export_id, n)
);

-- +goose Down
DROP TABLE IF EXISTS data_export_parts;
DROP TABLE IF EXISTS data_exports;
