module chatapp/bench

go 1.26.0

require chatapp/e2e v0.0.0

require github.com/gorilla/websocket v1.5.3 // indirect

replace chatapp/e2e => ../e2e
