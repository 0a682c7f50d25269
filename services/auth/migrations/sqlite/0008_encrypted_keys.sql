-- +goose Up
-- Nothing: a BLOB has room for a private key that is encrypted.
SELECT 1;

-- +goose Down
SELECT 1;
