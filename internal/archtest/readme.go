package archtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// createTable finds the tables of a migration.
var createTable = regexp.MustCompile("(?i)create\\s+table\\s+(?:if\\s+not\\s+exists\\s+)?[`\"]?(\\w+)")

// Tables are the tables that a migration makes, in order.
func Tables(migration string) []string {
	var all []string
	for _, m := range createTable.FindAllStringSubmatch(migration, -1) {
		all = append(all, m[1])
	}
	return all
}

// CheckServiceTable wants a row for each service in a document's table of
// services that names each of its routes and tables. The row is the line that
// begins with "| <service> |".
func CheckServiceTable(document string, routes, tables map[string][]string) []string {
	var found []string
	for service := range routes {
		_, row, ok := strings.Cut(document, "\n| "+service+" |")
		if !ok {
			found = append(found, fmt.Sprintf("no row for %s in the table of services", service))
			continue
		}
		row, _, _ = strings.Cut(row, "\n")
		words := strings.FieldsFunc(row, func(r rune) bool { return strings.ContainsRune("|, `", r) })
		for _, want := range slices.Concat(routes[service], tables[service]) {
			if !slices.Contains(words, want) {
				found = append(found, fmt.Sprintf("the row of %s does not name %s", service, want))
			}
		}
	}
	slices.Sort(found)
	return found
}
