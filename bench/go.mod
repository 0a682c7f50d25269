module chatapp/bench

go 1.26.0

require chatapp/e2e v0.0.0

replace chatapp/e2e => ../e2e
