// The clients of tests/attack: one that is honest and many that are not. Standard library only.
//
//	client honest -address 127.0.0.1:8443 -corpus corpus.json -seconds 10
//	client attack -address 127.0.0.1:8443 -name silent-tcp -connections 1000 -seconds 8
//
// Both print one line of JSON when they end.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"syscall"
)

func main() {
	commands := map[string]func([]string) (any, error){"honest": honest, "attack": attack}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: client honest|attack -h")
		os.Exit(2)
	}
	raiseFileLimit()
	result, err := commands[os.Args[1]](os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		os.Exit(1)
	}
}

// As far as the hard limit lets it: an attack that gets fewer descriptors than it wants says so in
// its counts.
func raiseFileLimit() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		limit.Cur = limit.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
}

// The value below which the given share of sorted values lies.
func percentile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sort.Float64s(values)
	place := int(share * float64(len(values)))
	if place >= len(values) {
		place = len(values) - 1
	}
	return values[place]
}
