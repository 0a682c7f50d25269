package main

import (
	"fmt"
	"strings"

	"chatapp/internal/secrets"
)

type secretsCommand struct {
	Dir               string   `default:"secrets" type:"path" help:"Where to keep them; one directory for each consumer in it."`
	Hosts             []string `help:"Names and addresses of NATS and MySQL for their certificates, besides those in our Compose file and manifests."`
	RenewCertificates bool     `help:"Make the certificates of NATS and MySQL anew (good for two years); keys and passwords stay."`
	Chown             bool     `help:"Give each directory to the user that its container runs as; needs root."`
	Kubernetes        bool     `help:"Print Kubernetes Secrets with the contents, for kubectl apply -f -."`
	Namespace         string   `default:"chatapp" help:"Namespace of the Kubernetes Secrets."`
}

// Run makes what is missing.
func (c *secretsCommand) Run(p program) error {
	made, err := secrets.Make(secrets.Options{
		Dir: c.Dir, Hosts: append(secrets.DefaultHosts(), c.Hosts...), Renew: c.RenewCertificates, Chown: c.Chown,
	})
	if err != nil {
		return fmt.Errorf("secrets in %s: %w", c.Dir, err)
	}
	if c.Kubernetes {
		text, err := secrets.Manifests(c.Dir, c.Namespace)
		if err != nil {
			return fmt.Errorf("secrets in %s: %w", c.Dir, err)
		}
		say(p, strings.TrimSuffix(text, "\n"))
		return nil
	}
	if len(made) == 0 {
		say(p, "nothing to do: all secrets are in "+c.Dir)
		return nil
	}
	say(p, fmt.Sprintf("wrote %d files in %s; what was there already was kept:", len(made), c.Dir), "  "+strings.Join(made, "\n  "))
	return nil
}
