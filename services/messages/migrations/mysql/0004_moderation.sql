-- +goose Up
-- What people reported, with a copy of the message as it was. open_key is a hash
-- of reporter and target while the report is open, so that there is one of each;
-- state: 0 open, 1 closed.
CREATE TABLE IF NOT EXISTS reports (
  id            BINARY(16)       NOT NULL PRIMARY KEY,
  open_key      BINARY(16)       NULL,
  state         TINYINT UNSIGNED NOT NULL,
  reporter_id   BINARY(16)       NOT NULL,
  user_id       BINARY(16)       NOT NULL,
  message_id    BINARY(16)       NULL,
  body          TEXT             NOT NULL,
  sent_at       DATETIME(6)      NULL,
  reason        VARCHAR(16)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  note          TEXT             NOT NULL,
  created_at    DATETIME(6)      NOT NULL,
  decision      VARCHAR(16)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  decision_note TEXT             NOT NULL,
  decided_by    BINARY(16)       NULL,
  decided_at    DATETIME(6)      NULL,
  UNIQUE KEY reports_open (open_key),
  KEY reports_state (state, id),
  KEY reports_reporter (reporter_id, created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What was done to reports and what operators looked for. Rows are only ever
-- inserted; the service's database user may do no more.
CREATE TABLE IF NOT EXISTS audit_log (
  id         BINARY(16)   NOT NULL PRIMARY KEY,
  at         DATETIME(6)  NOT NULL,
  event      VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id BINARY(16)   NULL,
  session_id BINARY(16)   NULL,
  ip         VARCHAR(45)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_agent VARCHAR(255) NOT NULL,
  detail     TEXT         NOT NULL,
  KEY audit_log_account (account_id, at),
  KEY audit_log_at (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS audit_log;
DROP TABLE IF EXISTS reports;
