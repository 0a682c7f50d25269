package secrets

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Manifests is a Kubernetes Secret for each consumer, called chatapp-<consumer>,
// with its files as keys. JSON is YAML, too.
func Manifests(dir, namespace string) (string, error) {
	var b strings.Builder
	for _, c := range Consumers() {
		data := map[string][]byte{} // []byte is base64 in JSON, as Kubernetes wants it
		names, err := Files(dir, c)
		if err != nil {
			return "", err
		}
		for _, name := range names {
			if data[name], err = os.ReadFile(filepath.Join(dir, c, name)); err != nil { //nolint:gosec // below the operator's directory
				return "", err
			}
		}
		text, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
			"metadata": map[string]any{
				"name": "chatapp-" + c, "namespace": namespace,
				"labels": map[string]string{"app.kubernetes.io/part-of": "chatapp", "app.kubernetes.io/managed-by": "chatapp-secrets"},
			},
		})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "---\n%s\n", text)
	}
	return b.String(), nil
}
