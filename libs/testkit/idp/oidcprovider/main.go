// Command oidcprovider is the provider of libs/testkit/idp as a program, for
// the browser's tests: oidcprovider ID SECRET REDIRECT. It prints its issuer,
// then takes one person as JSON from each line of its input and answers "ok";
// it ends with its input.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"chatapp/libs/testkit/idp"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("want ID SECRET REDIRECT, got %d arguments", len(args))
	}
	p, err := idp.Listen("127.0.0.1:0", idp.Client{ID: args[0], Secret: args[1], Redirect: args[2]})
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	fmt.Println(p.Issuer)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); fmt.Println("ok") {
		var who idp.Person
		if err := json.Unmarshal(lines.Bytes(), &who); err != nil {
			return err
		}
		p.Add(who)
	}
	return nil
}
