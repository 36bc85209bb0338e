package xmpp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// idBytes is how much of the hash makes an id.
const idBytes = 16

// ItemID is the id of the item of an entry: the beginning of the SHA-256 of its atom:id
// in lower-case hexadecimal digits. XEP-0472 keeps the two apart: an atom:id has
// characters that break readers, above all slashes.
func ItemID(atomID string) string {
	sum := sha256.Sum256([]byte(atomID))
	return hex.EncodeToString(sum[:idBytes])
}

// isItemID says that s may be one of ours: others may have put items of their own on a
// node, and those stay.
func isItemID(s string) bool {
	return len(s) == 2*idBytes && !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

// URI is the address of an item, or of the node if item is "" (XEP-0060 §12.21,
// RFC 5122): xmpp:pubsub.example.org?;node=planet-go;item=….
func URI(service, node, item string) string {
	u := "xmpp:" + escape(service, "") + "?;node=" + escape(node, "")
	if item != "" {
		u += ";item=" + escape(item, "")
	}
	return u
}

// escape leaves what is unreserved (RFC 3986 §2.3), and what may stand there besides: in
// the name of a node even : and / mean something to some reader.
func escape(s, besides string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0, strings.IndexByte(besides, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
