// Package security tries ChatApp as somebody who means ill: every route of the
// OpenAPI document as everybody, and requests at random. It runs on the
// all-in-one, which serves every route.
package security
