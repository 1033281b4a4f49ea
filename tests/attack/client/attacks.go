package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const jsonPost = "POST /mutate HTTP/1.1\r\nHost: webhook\r\nContent-Type: application/json\r\n"

var attacks = map[string]life{
	// Silent and slow.
	"silent-tcp": func(a *attacker) { a.plainly(nil) },
	"silent-tls": func(a *attacker) { a.securely(nil) },
	"slow-hello": func(a *attacker) {
		a.plainly(func(to io.Writer) { a.trickle(to, clientHello()) })
	},
	"half-handshakes": func(a *attacker) { // what the server keeps for one is most of what a connection ever costs
		a.plainly(func(to io.Writer) { _, _ = to.Write(clientHello()) })
	},
	"announced-hellos": func(a *attacker) { // thirteen bytes that announce 131,071 more
		a.plainly(func(to io.Writer) { _, _ = to.Write([]byte("\x16\x03\x01\x00\x08\x01\x01\xff\xff\x03\x03\x00\x00")) })
	},
	"listed-authorities": func(a *attacker) {
		a.plainly(func(to io.Writer) { _, _ = to.Write(helloWithAuthorities()) })
	},
	"hello-in-records": func(a *attacker) { // as long as it may be, all of it at once
		hello := append([]byte{1, 0, 0x1f, 0xf0}, make([]byte, 0x1ff0)...)
		var records bytes.Buffer
		for _, one := range hello {
			records.Write([]byte{0x16, 3, 1, 0, 1, one})
		}
		a.plainly(func(to io.Writer) { _, _ = to.Write(records.Bytes()) })
	},
	"handshakes-in-bytes": func(a *attacker) { // each comes to its end, a segment for every byte
		plain := a.dial()
		if plain == nil {
			return
		}
		defer plain.Close()
		_ = plain.Conn.(*net.TCPConn).SetNoDelay(true)
		if tls.Client(inBytes{plain}, anyCertificate()).HandshakeContext(a.done) != nil && a.done.Err() == nil {
			a.cut.Add(1)
		}
	},
	"hoarding": func(a *attacker) { // each has had an answer, and is then kept like an honest one
		a.securely(func(to io.Writer) { fmt.Fprint(to, "GET / HTTP/1.1\r\nHost: webhook\r\n\r\n") })
	},
	"slow-headers": func(a *attacker) {
		a.securely(func(to io.Writer) { a.trickle(to, []byte(jsonPost+"A: "+strings.Repeat("a", 4000))) })
	},
	"slow-body": func(a *attacker) {
		a.securely(func(to io.Writer) {
			fmt.Fprintf(to, "%sContent-Length: 4000\r\n\r\n", jsonPost)
			a.trickle(to, []byte("{"))
		})
	},
	"tiny-records": func(a *attacker) { // a TLS record for each byte, as fast as they go
		a.securely(func(to io.Writer) {
			fmt.Fprintf(to, "%sContent-Length: 1000000\r\n\r\n", jsonPost)
			for a.done.Err() == nil {
				if _, err := to.Write([]byte(" ")); err != nil {
					return
				}
			}
		})
	},

	// Too much.
	"many-headers": func(a *attacker) {
		a.securely(func(to io.Writer) {
			fmt.Fprint(to, "POST /mutate HTTP/1.1\r\n")
			for i := 0; i < 40000; i += 100 {
				var lines bytes.Buffer
				for j := i; j < i+100; j++ {
					fmt.Fprintf(&lines, "X-%d: y\r\n", j)
				}
				if _, err := to.Write(lines.Bytes()); err != nil {
					return
				}
			}
			fmt.Fprint(to, "\r\n")
		})
	},
	"long-heads": func(a *attacker) { // as long as they may be, and of the body a byte at most
		length, begun := 20_000, ""
		if rand.Intn(2) == 0 {
			length, begun = 1_000_000, "{"
		}
		a.securely(func(to io.Writer) {
			fmt.Fprintf(to, "POST /mutate?%s%sContent-Length: %d\r\n\r\n%s", strings.Repeat("x", 30_000),
				strings.TrimPrefix(jsonPost, "POST /mutate"), length, begun)
		})
	},
	"long-header": func(a *attacker) {
		a.securely(func(to io.Writer) {
			fmt.Fprint(to, "POST /mutate HTTP/1.1\r\nX: ")
			a.pour(to, bytes.Repeat([]byte("x"), 100_000), 1000)
		})
	},
	"chunked-body": func(a *attacker) {
		a.securely(func(to io.Writer) {
			fmt.Fprintf(to, "%sTransfer-Encoding: chunked\r\n\r\n", jsonPost)
			a.pour(to, append([]byte("100000\r\n"), append(bytes.Repeat([]byte(" "), 1<<20), "\r\n"...)...), 200)
		})
	},
	"long-body": func(a *attacker) {
		a.securely(func(to io.Writer) {
			fmt.Fprintf(to, "%sContent-Length: 209715200\r\n\r\n", jsonPost)
			a.pour(to, bytes.Repeat([]byte(" "), 1<<20), 200)
		})
	},
	"gzip-bomb": func(a *attacker) {
		a.securely(func(to io.Writer) {
			bomb := gzipBomb()
			fmt.Fprintf(to, "%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", jsonPost, len(bomb))
			_, _ = to.Write(bomb)
		})
	},
	"unfinished-bodies": func(a *attacker) { // all but the last byte of the largest body there may be
		a.securely(func(to io.Writer) {
			fmt.Fprintf(to, "%sContent-Length: %d\r\n\r\n", jsonPost, 8<<20)
			a.pour(to, bytes.Repeat([]byte("["), 1<<16), (8<<20)/(1<<16)-1)
		})
	},
	"slow-uploads": func(a *attacker) { // never still, and never done: 8 MiB at 256 KB/s
		a.securely(func(to io.Writer) {
			fmt.Fprintf(to, "%sContent-Length: %d\r\n\r\n", jsonPost, 8<<20)
			for a.done.Err() == nil {
				if _, err := to.Write(bytes.Repeat([]byte("["), 16<<10)); err != nil {
					return
				}
				a.pause(64 * time.Millisecond)
			}
		})
	},
	"broken-off-bodies": func(a *attacker) { // more than handshakes leave room for, gone at once, and again
		if plain, secure := a.dialTLS(anyCertificate()); plain != nil {
			fmt.Fprintf(secure, "%sContent-Length: %d\r\n\r\n", jsonPost, 8<<20)
			a.pour(secure, bytes.Repeat([]byte("["), 1<<16), 36)
			plain.Close()
		}
		a.pause(60 * time.Millisecond)
	},
	"deep-bodies": func(a *attacker) {
		a.once(append([]byte(fmt.Sprintf("%sContent-Length: %d\r\n\r\n", jsonPost, 8<<20)),
			bytes.Repeat([]byte("["), 8<<20)...))
	},
	"wide-bodies": func(a *attacker) {
		a.once(a.withSample(`"spec":{`, `"wide":[`+strings.TrimSuffix(strings.Repeat("{},", 7<<20/3), ",")+`],`))
	},
	"large-reviews": func(a *attacker) { // right ones, with an annotation of 7 MiB
		a.once(a.withSample(`"annotations":{`, `"large":"`+strings.Repeat("x", 7<<20)+`",`))
	},
	"long-names": func(a *attacker) { // what of a pod's first container is copied into the proxy
		long := strings.Repeat("x", 7<<20)
		for _, part := range []string{`"securityContext":{"capabilities":{"add":["` + long + `"]}},`,
			`"volumeMounts":[{"name":"` + long + `","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],`} {
			a.once(a.withSample(`"containers":[`, `{"name":"long",`+part+`"image":"i"},`))
		}
	},
	"many-containers": func(a *attacker) { // each but a few bytes
		a.once(a.withSample(`"containers":[`, strings.Repeat(`{"name":"c"},`, 200_000)))
	},
	"costly-reviews": func(a *attacker) { // 35 KB that take as long as megabytes of a usual pod
		a.once(a.withSample(`"containers":[`, strings.Repeat("{},", 9_900)))
	},
	"longest-reviews": func(a *attacker) { // as many values as there may be: nothing takes longer to read
		a.once(a.withSample(`"spec":{`, `"wide":[`+strings.TrimSuffix(strings.Repeat("0,", 1_490_000), ",")+`],`))
	},
	"long-lists": func(a *attacker) { // what is two bytes here is dozens where it is kept
		for _, list := range []string{`"args":[` + strings.Repeat(`"",`, 1_480_000) + `""],`,
			`"ports":[` + strings.Repeat("{},", 740_000) + `{}],`,
			`"volumeMounts":[` + strings.Repeat("1,", 1_480_000) + `1],`} {
			a.once(a.withSample(`"containers":[`, `{"name":"long",`+list+`"image":"i"},`))
		}
	},
	"mixed-reviews": func(a *attacker) { // all that memory is kept for at once
		longest := a.withSample(`"spec":{`, `"wide":[`+strings.TrimSuffix(strings.Repeat("0,", 1_490_000), ",")+`],`)
		switch rand.Intn(8) {
		case 0:
			a.once(longest)
		case 1:
			a.once(inChunks(longest))
		default: // of a length that nobody knows, and never done
			size := (1 + rand.Intn(3)) << 20
			a.securely(func(to io.Writer) {
				fmt.Fprintf(to, "%sTransfer-Encoding: chunked\r\n\r\n%x\r\n", jsonPost, size)
				for sent := 0; sent < size && a.done.Err() == nil; sent += 64 << 10 {
					if _, err := to.Write(bytes.Repeat([]byte(" "), 64<<10)); err != nil {
						return
					}
					a.pause(100 * time.Millisecond)
				}
			})
		}
	},
	"waiting-reviews": func(a *attacker) { // each takes its time on the thread that all of them share
		a.once(a.withSample(`"spec":{`, `"initContainers":[`+
			strings.TrimSuffix(strings.Repeat(`{"restartPolicy":"Always"},`, 4_900), ",")+`],`))
	},
	"crowd": func(a *attacker) { // right reviews one after the other, of which none costs much
		a.securely(func(to io.Writer) {
			for a.done.Err() == nil {
				if _, err := to.Write(a.request()); err != nil {
					return
				}
				a.pause(400 * time.Millisecond)
			}
		})
	},
	"stampede": func(a *attacker) { // the next right review as soon as the last one is answered
		plain, secure := a.dialTLS(anyCertificate())
		if plain == nil {
			return
		}
		defer plain.Close()
		reader := bufio.NewReader(secure)
		for a.done.Err() == nil {
			_, err := secure.Write(a.request())
			var answer *http.Response
			if err == nil {
				answer, err = http.ReadResponse(reader, nil)
			}
			if err == nil {
				_, err = io.Copy(io.Discard, answer.Body)
			}
			if err != nil {
				if time.Now().Before(a.deadline) {
					a.cut.Add(1)
				}
				return
			}
			a.count(strconv.Itoa(answer.StatusCode))
		}
	},
	"hostile-annotation": func(a *attacker) { // 128 KiB of items that are all wrong
		a.once(a.withSample(`"annotations":{`, `"gracekeeper.dev/app-shutdown":"`+strings.Repeat("a=1s,", 1<<17/5)+`",`))
	},
	"large-answers": func(a *attacker) { // the answers as large as can be, and nobody reads them
		request := a.largeAnswer()
		a.stalled(func(to io.Writer) { a.pour(to, request, 100) })
	},

	// Not what the port speaks.
	"plain-http": func(a *attacker) {
		a.plainly(func(to io.Writer) { fmt.Fprintf(to, "%sContent-Length: 2\r\n\r\n{}", jsonPost) })
	},
	"garbage": func(a *attacker) {
		a.plainly(func(to io.Writer) {
			noise := make([]byte, 4096)
			rand.Read(noise)
			if rand.Intn(2) == 0 { // a record's beginning, and then noise
				copy(noise, "\x16\x03\x01\x10\x00\x01")
			}
			_, _ = to.Write(noise)
		})
	},
	"garbage-inside": func(a *attacker) { // noise in place of a request, inside TLS
		a.securely(func(to io.Writer) {
			noise := make([]byte, 4096)
			rand.Read(noise)
			_, _ = to.Write(noise)
		})
	},

	// Storms.
	"resumption": func(a *attacker) { // a session of another server's, then whatever this one gave
		config := anyCertificate()
		config.ServerName = "webhook"
		config.ClientSessionCache = foreignSessions(rand.Intn(2) == 0)
		if plain, _ := a.dialTLS(config); plain != nil {
			plain.Close()
		}
	},
	"slow-groups": func(a *attacker) { // the dearest key exchange that there is
		a.plainly(func(to io.Writer) { _, _ = to.Write(finiteFieldHello()) })
	},
	"resets": func(a *attacker) {
		plain := a.dial()
		if plain == nil {
			return
		}
		_ = plain.Conn.(*net.TCPConn).SetLinger(0)
		if rand.Intn(2) == 0 {
			hello := clientHello()
			_, _ = plain.Write(hello[:rand.Intn(len(hello))])
		}
		plain.Close()
	},

	// Answers.
	"pipelining": func(a *attacker) {
		a.securely(func(to io.Writer) {
			one := a.request()
			for a.done.Err() == nil {
				if _, err := to.Write(bytes.Repeat(one, 16)); err != nil {
					return
				}
			}
		})
	},
	"pipelining-unread": func(a *attacker) {
		a.stalled(func(to io.Writer) {
			for a.done.Err() == nil {
				if _, err := to.Write(bytes.Repeat(a.request(), 16)); err != nil {
					return
				}
			}
		})
	},
	"half-closed": func(a *attacker) { // says that it sends no more; the answer is still due
		plain, secure := a.dialTLS(anyCertificate())
		if plain == nil {
			return
		}
		defer plain.Close()
		_, _ = secure.Write(a.request())
		_ = secure.CloseWrite()
		_ = plain.Conn.(*net.TCPConn).CloseWrite()
		a.readToEnd(secure)
	},
	"management-silent": func(a *attacker) { a.plainly(nil) },
	"management-hoarding": func(a *attacker) {
		a.plainly(func(to io.Writer) { fmt.Fprint(to, "GET /livez HTTP/1.1\r\nHost: webhook\r\n\r\n") })
	},
	"management-busy": func(a *attacker) { // each has had an answer, and has always begun to ask again
		a.plainly(func(to io.Writer) {
			request := "GET /livez HTTP/1.1\r\nHost: webhook\r\n\r\n"
			fmt.Fprint(to, request[:1])
			for a.done.Err() == nil {
				if _, err := fmt.Fprint(to, request[1:]+request[:1]); err != nil {
					return
				}
				a.pause(2 * time.Second)
			}
		})
	},
	"management-bodies": func(a *attacker) { // nothing there takes any
		a.plainly(func(to io.Writer) {
			fmt.Fprintf(to, "POST /livez HTTP/1.1\r\nHost: webhook\r\nContent-Length: %d\r\n\r\n", 8<<20)
			a.pour(to, bytes.Repeat([]byte("x"), 1<<16), (8<<20)/(1<<16)-1)
		})
	},
	"management-slow": func(a *attacker) {
		a.plainly(func(to io.Writer) { a.trickle(to, []byte("GET /livez HTTP/1.1\r\nA: aaaaaaaaaaaaaaaa")) })
	},
	"half-closed-silent": func(a *attacker) {
		plain := a.dial()
		if plain == nil {
			return
		}
		defer plain.Close()
		_, _ = plain.Write(clientHello()[:40])
		_ = plain.Conn.(*net.TCPConn).CloseWrite()
		a.readToEnd(plain)
	},
}

// One plain connection: sends, and reads to the end meanwhile.
func (a *attacker) plainly(send func(io.Writer)) {
	if plain := a.dial(); plain != nil {
		a.both(plain, plain, send)
	}
}

func (a *attacker) securely(send func(io.Writer)) {
	if plain, secure := a.dialTLS(anyCertificate()); plain != nil {
		a.both(plain, secure, send)
	}
}

func (a *attacker) both(plain *held, stream io.ReadWriter, send func(io.Writer)) {
	defer plain.Close()
	if send != nil {
		go send(stream)
	}
	a.readToEnd(stream)
}

// A connection that asks and never reads, with the smallest window there is. It ends when the server
// resets it.
func (a *attacker) stalled(send func(io.Writer)) {
	plain := a.dial()
	if plain == nil {
		return
	}
	defer plain.Close()
	_ = plain.Conn.(*net.TCPConn).SetReadBuffer(2048)
	secure := tls.Client(plain, anyCertificate())
	if secure.HandshakeContext(a.done) != nil {
		return
	}
	go send(secure)
	a.pause(6 * time.Second)
}

func (a *attacker) pour(to io.Writer, piece []byte, times int) {
	for i := 0; i < times; i++ {
		if _, err := to.Write(piece); err != nil {
			return
		}
	}
}

// Writes each byte by itself.
type inBytes struct{ net.Conn }

func (c inBytes) Write(data []byte) (int, error) {
	for i := range data {
		if _, err := c.Conn.Write(data[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(data), nil
}

func (a *attacker) request() []byte {
	return []byte(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", jsonPost, len(a.sample), a.sample))
}

// One request, its answer awaited, and the end of the connection.
func (a *attacker) once(request []byte) {
	plain, secure := a.dialTLS(anyCertificate())
	if plain == nil {
		return
	}
	defer plain.Close()
	go func() { _, _ = secure.Write(request) }()
	response, err := http.ReadResponse(bufio.NewReader(secure), nil)
	if err != nil {
		a.cut.Add(1)
		return
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	a.count(fmt.Sprint(response.StatusCode))
}

// A pod whose refusal names 240 containers, each with the time it takes.
func (a *attacker) largeAnswer() []byte {
	var containers strings.Builder
	for i := 0; i < 240; i++ {
		fmt.Fprintf(&containers, `{"name":"%s-%d","lifecycle":{"preStop":{"sleep":{"seconds":%d}}}},`,
			strings.Repeat("c", 200), i, 9000+i)
	}
	return a.withSample(`"containers":[`, containers.String())
}

// A post of the sample with the text put in behind the mark; each is made once, told apart by the
// begin of the text and its length.
func (a *attacker) withSample(mark, text string) []byte {
	key := fmt.Sprint(mark, len(text), text[:min(len(text), 64)])
	a.largeMutex.Lock()
	defer a.largeMutex.Unlock()
	if request, made := a.largeRequests[key]; made {
		return request
	}
	body := strings.Replace(string(a.sample), mark, mark+text, 1)
	request := []byte(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", jsonPost, len(body), body))
	if a.largeRequests == nil {
		a.largeRequests = map[string][]byte{}
	}
	a.largeRequests[key] = request
	return request
}

// The same request with a body in one chunk.
func inChunks(request []byte) []byte {
	_, body, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	return []byte(fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", jsonPost, len(body), body))
}

var clientHello = sync.OnceValue(func() []byte {
	mine, other := net.Pipe()
	go func() {
		_ = tls.Client(mine, anyCertificate()).Handshake()
	}()
	hello := make([]byte, 4096)
	n, _ := other.Read(hello)
	other.Close()
	return hello[:n]
})

// The ClientHello with one extension more: 1,200 names of authorities (RFC 8446, 4.2.4), all empty.
var helloWithAuthorities = sync.OnceValue(func() []byte {
	const names = 1200
	hello := clientHello()[5:]
	extension := []byte{0, 47, (4*names + 2) >> 8, (4*names + 2) & 0xff, 4 * names >> 8, 4 * names & 0xff}
	for i := 0; i < names; i++ {
		extension = append(extension, 0, 2, 0x30, 0)
	}
	at := 4 + 2 + 32 // past type, length, version and random
	at += 1 + int(hello[at])
	at += 2 + int(binary.BigEndian.Uint16(hello[at:]))
	at += 1 + int(hello[at])
	grown := append(bytes.Clone(hello), extension...)
	binary.BigEndian.PutUint16(grown[at:], uint16(int(binary.BigEndian.Uint16(hello[at:]))+len(extension)))
	binary.BigEndian.PutUint16(grown[2:], uint16(len(grown)-4))
	return append([]byte{22, 3, 1, byte(len(grown) >> 8), byte(len(grown))}, grown...)
})

// 200 MB of spaces, compressed.
var gzipBomb = sync.OnceValue(func() []byte {
	var out bytes.Buffer
	writer, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	for i := 0; i < 200; i++ {
		_, _ = writer.Write(bytes.Repeat([]byte(" "), 1_000_000))
	}
	writer.Close()
	return out.Bytes()
})
