//go:build tools

// Package addons pins what scripts/try-kubernetes adds to a cluster.
package addons

import _ "sigs.k8s.io/kube-network-policies/cmd"
