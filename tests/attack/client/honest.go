package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// One request and the answers that are right, with uidPlaceholder in place of the review's uid.
type exchange struct {
	Path    string   `json:"path"`
	Body    string   `json:"body"`
	Answers []string `json:"answers"`
}

const uidPlaceholder = "00000000-0000-0000-0000-000000000000"

type tally struct {
	since     time.Time
	pauses    *pauses
	mutex     sync.Mutex
	durations []float64 // milliseconds, from when a request was due
	failed    int
	wrong     int
	perAnswer []int // how often each of Answers was given
	examples  []string
}

type figures struct {
	Requests  int      `json:"requests"`
	Failed    int      `json:"failed"`
	Wrong     int      `json:"wrong"`
	P50       float64  `json:"p50_ms"`
	P99       float64  `json:"p99_ms"`
	Max       float64  `json:"max_ms"`
	PerAnswer []int    `json:"per_answer"`
	Examples  []string `json:"examples"`
}

func (t *tally) figures() figures {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return figures{Requests: len(t.durations), Failed: t.failed, Wrong: t.wrong,
		P50: percentile(t.durations, 0.5), P99: percentile(t.durations, 0.99),
		Max: percentile(t.durations, 1), PerAnswer: t.perAnswer, Examples: t.examples}
}

func (t *tally) add(due time.Time, answer int, err error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.durations = append(t.durations, float64(time.Since(due).Microseconds())/1000)
	switch {
	case err != nil:
		t.failed++
	case answer < 0:
		t.wrong++
		err = fmt.Errorf("not one of the right answers")
	default:
		for len(t.perAnswer) <= answer {
			t.perAnswer = append(t.perAnswer, 0)
		}
		t.perAnswer[answer]++
	}
	if err != nil && len(t.examples) < 20 {
		t.examples = append(t.examples, fmt.Sprintf("%.1f s after the start: %v (within it this client stood still for up to %d ms)",
			due.Sub(t.since).Seconds(), err, t.pauses.longestSince(due).Milliseconds()))
	}
}

// When this process itself did not run: the machine, not the server, stood still.
type pauses struct {
	mutex sync.Mutex
	found []pause
}

type pause struct {
	end    time.Time
	length time.Duration
}

const (
	looksEvery     = 10 * time.Millisecond
	shortestPause  = 20 * time.Millisecond
	pausesRecalled = 1000
)

func (p *pauses) watch(ctx context.Context) {
	for ctx.Err() == nil {
		before := time.Now()
		time.Sleep(looksEvery)
		length := time.Since(before) - looksEvery
		if length < shortestPause {
			continue
		}
		p.mutex.Lock()
		p.found = append(p.found, pause{time.Now(), length})
		if len(p.found) > pausesRecalled {
			p.found = p.found[1:]
		}
		p.mutex.Unlock()
	}
}

func (p *pauses) longestSince(since time.Time) time.Duration {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var longest time.Duration
	for _, each := range p.found {
		if each.end.After(since) {
			longest = max(longest, each.length)
		}
	}
	return longest
}

// What a request's answer is worth: the place of it in Answers, -1 when it is none of them. Nothing
// is sent twice: without GetBody, net/http cannot repeat a request on another connection.
func ask(client *http.Client, address string, e exchange, timeout time.Duration) (int, error) {
	uid := fmt.Sprintf("%08x-0000-4000-8000-%012x", rand.Uint32(), rand.Int63n(1<<48))
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	body := strings.ReplaceAll(e.Body, uidPlaceholder, uid)
	request, err := http.NewRequestWithContext(ctx, "POST", "https://"+address+e.Path+"?timeout=2s",
		strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.GetBody = nil
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, */*")
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if response.StatusCode != 200 {
		return 0, fmt.Errorf("HTTP %d: %.200s", response.StatusCode, text)
	}
	given := strings.ReplaceAll(string(text), uid, uidPlaceholder)
	for i, right := range e.Answers {
		if given == right {
			return i, nil
		}
	}
	return -1, nil
}

// What an API server's connections to a webhook look like: kept alive, offering h2 first, and no
// more than 25 of them idle.
func apiServerTransport(connections int) *http.Transport {
	return &http.Transport{
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: connections,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
	}
}

func readCorpus(file string) ([]exchange, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var corpus []exchange
	return corpus, json.Unmarshal(data, &corpus)
}

func honest(arguments []string) (any, error) {
	flags := flag.NewFlagSet("honest", flag.ExitOnError)
	address := flags.String("address", "", "HOST:PORT of the webhook")
	largeFile := flags.String("large", "", "exchanges as JSON, of large reviews")
	corpusFile := flags.String("corpus", "", "exchanges as JSON")
	seconds := flags.Float64("seconds", 10, "how long")
	connections := flags.Int("connections", 25, "kept alive")
	rate := flags.Float64("rate", 250, "requests a second over the kept connections")
	largeRate := flags.Float64("large-rate", 2, "large reviews a second, one after the other on a connection of their own")
	largeTimeout := flags.Duration("large-timeout", 10*time.Second, "of each of those")
	fresh := flags.Float64("fresh", 5, "requests a second on a connection of their own")
	timeout := flags.Duration("timeout", 2*time.Second, "of each request, the connection included")
	_ = flags.Parse(arguments)
	corpus, err := readCorpus(*corpusFile)
	if err != nil {
		return nil, err
	}

	start := time.Now()
	end := start.Add(time.Duration(*seconds * float64(time.Second)))
	var workers sync.WaitGroup
	// A worker's requests are due at fixed times. What is late because the one before it took long
	// is late in the figures too.
	run := func(t *tally, client *http.Client, corpus []exchange, timeout time.Duration, worker int,
		interval, offset time.Duration) {
		defer workers.Done()
		for i := 0; ; i++ {
			due := start.Add(offset + time.Duration(i)*interval)
			if due.After(end) {
				return
			}
			time.Sleep(time.Until(due))
			answer, err := ask(client, *address, corpus[(worker+i)%len(corpus)], timeout)
			t.add(due, answer, err)
		}
	}
	every := func(perSecond float64) time.Duration {
		return time.Duration(float64(time.Second) / perSecond)
	}
	var still pauses
	watching, watched := context.WithCancel(context.Background())
	defer watched()
	go still.watch(watching)
	counting := func() *tally { return &tally{since: start, pauses: &still} }
	kept, alone, large := counting(), counting(), counting()
	keeping := &http.Client{Transport: apiServerTransport(*connections)}
	for i := 0; i < *connections; i++ {
		workers.Add(1)
		go run(kept, keeping, corpus, *timeout, i, time.Duration(*connections)*every(*rate), time.Duration(i)*every(*rate))
	}
	if *fresh > 0 {
		transport := apiServerTransport(1)
		transport.DisableKeepAlives = true
		// As many at a time as can be due before the first of them times out.
		together := int(*fresh*timeout.Seconds()) + 1
		for i := 0; i < together; i++ {
			workers.Add(1)
			go run(alone, &http.Client{Transport: transport}, corpus, *timeout, i,
				time.Duration(together)*every(*fresh), time.Duration(i)*every(*fresh))
		}
	}
	largeOnes := &http.Client{Transport: apiServerTransport(1)}
	if *largeFile != "" {
		largeCorpus, err := readCorpus(*largeFile)
		if err != nil {
			return nil, err
		}
		workers.Add(1)
		go run(large, largeOnes, largeCorpus, *largeTimeout, 0, every(*largeRate), every(*largeRate)/2)
	}
	workers.Wait()
	keeping.CloseIdleConnections()
	largeOnes.CloseIdleConnections()
	all := map[string]figures{"kept": kept.figures(), "fresh": alone.figures()}
	if *largeFile != "" {
		all["large"] = large.figures()
	}
	return all, nil
}
