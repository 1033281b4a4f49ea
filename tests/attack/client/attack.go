package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// An attack is the life of one connection, lived again and again by many at once until time is up.
type life func(a *attacker)

type attacker struct {
	address  string
	from     []net.IP // its own addresses, one connection each in turn; none: any
	sample   []byte   // a right review, for attacks that need one
	deadline time.Time
	done     context.Context

	dialled atomic.Int64

	opened atomic.Int64
	failed atomic.Int64 // no connection, or no handshake
	sent   atomic.Int64 // bytes
	cut    atomic.Int64 // lives that the server ended
	holds  atomic.Int64 // connections that are open now
	most   atomic.Int64 // at a time

	largeMutex    sync.Mutex
	largeRequests map[string][]byte // withSample()'s

	mutex   sync.Mutex
	answers map[string]int // by status
}

func attack(arguments []string) (any, error) {
	flags := flag.NewFlagSet("attack", flag.ExitOnError)
	var names []string
	for name := range attacks {
		names = append(names, name)
	}
	sort.Strings(names)
	address := flags.String("address", "", "HOST:PORT")
	from := flags.String("from", "", "the attackers' own address, of loopback")
	addresses := flags.Int("addresses", 1, "how many they have, counted on from that one")
	name := flags.String("name", "", strings.Join(names, ", "))
	connections := flags.Int("connections", 100, "at a time")
	seconds := flags.Float64("seconds", 8, "how long")
	pause := flags.Duration("pause", time.Millisecond, "from the beginning of one life to the next")
	sample := flags.String("sample", "", "a file with a right review")
	_ = flags.Parse(arguments)
	live, known := attacks[*name]
	if !known {
		return nil, fmt.Errorf("unknown attack %q", *name)
	}
	a := &attacker{address: *address, from: countOn(*from, *addresses), answers: map[string]int{}}
	if *sample != "" {
		data, err := os.ReadFile(*sample)
		if err != nil {
			return nil, err
		}
		a.sample = data
	}
	a.deadline = time.Now().Add(time.Duration(*seconds * float64(time.Second)))
	var cancel context.CancelFunc
	a.done, cancel = context.WithDeadline(context.Background(), a.deadline)
	defer cancel()
	var all sync.WaitGroup
	for i := 0; i < *connections; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for a.done.Err() == nil {
				before := time.Now()
				live(a)
				a.pause(time.Until(before.Add(*pause)))
			}
		}()
	}
	all.Wait()
	return map[string]any{"opened": a.opened.Load(), "failed": a.failed.Load(), "cut": a.cut.Load(),
		"most": a.most.Load(), "sent_bytes": a.sent.Load(), "answers": a.answers}, nil
}

// So many addresses from the first on; none where no first one is given.
func countOn(first string, count int) []net.IP {
	address := net.ParseIP(first).To4()
	if address == nil {
		return nil
	}
	begin := binary.BigEndian.Uint32(address)
	all := make([]net.IP, count)
	for i := range all {
		all[i] = binary.BigEndian.AppendUint32(nil, begin+uint32(i))
	}
	return all
}

func (a *attacker) pause(duration time.Duration) {
	select {
	case <-a.done.Done():
	case <-time.After(duration):
	}
}

// A connection that is counted while it is open, and ends when the attack does.
type held struct {
	net.Conn
	a    *attacker
	once sync.Once
}

func (h *held) Close() error {
	h.once.Do(func() { h.a.holds.Add(-1) })
	return h.Conn.Close()
}

func (h *held) Write(data []byte) (int, error) {
	n, err := h.Conn.Write(data)
	h.a.sent.Add(int64(n))
	return n, err
}

func (a *attacker) dial() *held {
	dialer := net.Dialer{}
	if len(a.from) > 0 {
		dialer.LocalAddr = &net.TCPAddr{IP: a.from[a.dialled.Add(1)%int64(len(a.from))]}
	}
	plain, err := dialer.DialContext(a.done, "tcp", a.address)
	if err != nil {
		if a.done.Err() == nil {
			a.failed.Add(1)
			a.pause(20 * time.Millisecond)
		}
		return nil
	}
	_ = plain.SetDeadline(a.deadline)
	a.opened.Add(1)
	now := a.holds.Add(1)
	for most := a.most.Load(); now > most && !a.most.CompareAndSwap(most, now); most = a.most.Load() {
	}
	return &held{Conn: plain, a: a}
}

func (a *attacker) dialTLS(config *tls.Config) (*held, *tls.Conn) {
	plain := a.dial()
	if plain == nil {
		return nil, nil
	}
	secure := tls.Client(plain, config)
	if err := secure.HandshakeContext(a.done); err != nil {
		if a.done.Err() == nil {
			a.failed.Add(1)
		}
		plain.Close()
		return nil, nil
	}
	return plain, secure
}

func anyCertificate() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

func (a *attacker) count(status string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.answers[status]++
}

// Reads until the server ends the connection or time is up, and counts the answers by their status.
func (a *attacker) readToEnd(from io.Reader) {
	reader := bufio.NewReaderSize(from, 16*1024)
	for {
		line, err := reader.ReadSlice('\n')
		if fields := strings.Fields(string(line)); len(fields) > 1 && strings.HasPrefix(fields[0], "HTTP/1.") {
			a.count(fields[1])
		}
		if err == nil || err == bufio.ErrBufferFull {
			continue
		}
		if a.done.Err() == nil && time.Now().Before(a.deadline) {
			a.cut.Add(1)
		}
		return
	}
}

// A byte a second, until the server cuts.
func (a *attacker) trickle(to io.Writer, data []byte) {
	for i := 0; a.done.Err() == nil; i++ {
		if _, err := to.Write(data[i%len(data) : i%len(data)+1]); err != nil {
			return
		}
		a.pause(time.Second)
	}
}
