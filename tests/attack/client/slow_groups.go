package main

import (
	"encoding/binary"
	"math/rand"
)

// A ClientHello of TLS 1.3 (RFC 8446, 4.1.2) whose only group is ffdhe8192 (RFC 7919), with noise as its
// key: what costs the sender nothing and a server that takes it two exponentiations of 8,192 bits.
func finiteFieldHello() []byte {
	const ffdhe8192, keyBytes = 0x0104, 1024
	key := make([]byte, keyBytes)
	rand.Read(key)
	key[0] &= 0x7f // below the group's prime
	share := append(two(ffdhe8192), vector(key)...)
	extensions := append(extension(10, vector(two(ffdhe8192))), // supported_groups
		extension(13, vector(two(0x0403, 0x0804)))...) // signature_algorithms: P-256, RSA-PSS
	extensions = append(extensions, extension(43, append([]byte{2}, two(0x0304)...))...) // supported_versions
	extensions = append(extensions, extension(51, vector(share))...)                     // key_share

	hello := append(two(0x0303), make([]byte, 32)...) // no session, TLS_AES_128_GCM_SHA256, no compression
	rand.Read(hello[2:])
	hello = append(hello, 0)
	hello = append(hello, vector(two(0x1301))...)
	hello = append(hello, 1, 0)
	hello = append(hello, vector(extensions)...)
	message := append([]byte{1, 0}, vector(hello)...) // a length of three bytes
	return append([]byte{0x16, 3, 1}, vector(message)...)
}

func two(numbers ...uint16) []byte {
	var out []byte
	for _, number := range numbers {
		out = binary.BigEndian.AppendUint16(out, number)
	}
	return out
}

// Bytes after their length.
func vector(bytes []byte) []byte { return append(two(uint16(len(bytes))), bytes...) }

func extension(kind uint16, content []byte) []byte { return append(two(kind), vector(content)...) }
