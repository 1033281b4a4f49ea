package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"time"
)

// A cache that always offers one and the same session: one that a server in this process gave, whose
// ticket means nothing to the server under attack.
type oneSession struct{ session *tls.ClientSessionState }

func (o oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.session, o.session != nil }
func (o oneSession) Put(string, *tls.ClientSessionState)        {}

func foreignSessions(tls12 bool) tls.ClientSessionCache {
	if tls12 {
		return foreign12()
	}
	return foreign13()
}

var foreign12 = sync.OnceValue(func() tls.ClientSessionCache { return makeForeign(tls.VersionTLS12) })
var foreign13 = sync.OnceValue(func() tls.ClientSessionCache { return makeForeign(tls.VersionTLS13) })

func makeForeign(version uint16) tls.ClientSessionCache {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"webhook"}}
	der, _ := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MaxVersion: version,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		return oneSession{}
	}
	defer listener.Close()
	go func() {
		if connection, err := listener.Accept(); err == nil {
			_, _ = connection.Write([]byte("x")) // a TLS 1.3 ticket comes with the first read
			time.Sleep(100 * time.Millisecond)
			connection.Close()
		}
	}()
	keeping := keeper{}
	connection, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{InsecureSkipVerify: true,
		ServerName: "webhook", ClientSessionCache: &keeping})
	if err != nil {
		return oneSession{}
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = net.Conn(connection).Read(make([]byte, 1))
	return oneSession{keeping.session}
}

type keeper struct{ session *tls.ClientSessionState }

func (k *keeper) Get(string) (*tls.ClientSessionState, bool)    { return nil, false }
func (k *keeper) Put(_ string, session *tls.ClientSessionState) { k.session = session }
