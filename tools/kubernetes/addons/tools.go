//go:build tools

package addons

import _ "sigs.k8s.io/kube-network-policies/cmd"
