package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrRefused means that an address outside the public internet was asked for
// and is not in fetch.allow. Nothing was sent to it.
var ErrRefused = errors.New("the address is private")

// guard decides which addresses may be dialled. It is asked by the dialer,
// after the name was resolved and for every connection, so that neither a name
// that resolves to a private address nor a redirect gets past it (hostile.md,
// the address guard).
type guard struct {
	allow  []netip.AddrPort
	public *ssrf.Guardian
}

func newGuard(allow []netip.AddrPort) *guard {
	g := &guard{
		// Blogs live on :8080 too, so every port is as good as 80.
		public: ssrf.New(
			ssrf.WithAnyPort(),
			// A public address by its number, but inside Azure it is the host
			// that hands out the machine's secrets.
			ssrf.WithDeniedV4Prefixes(netip.MustParsePrefix("168.63.129.16/32")),
		),
	}
	for _, a := range allow {
		g.allow = append(g.allow, plainAddrPort(a))
	}
	return g
}

// control is a net.Dialer.ControlContext.
func (g *guard) control(_ context.Context, network, address string, conn syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return &refusal{address: address, cause: fmt.Errorf("%w: %s", ssrf.ErrProhibitedNetwork, network)}
	}
	if to, err := netip.ParseAddrPort(address); err == nil && slices.Contains(g.allow, plainAddrPort(to)) {
		return nil
	}
	if err := g.public.Safe(network, address, conn); err != nil {
		return &refusal{address: address, cause: err}
	}
	return nil
}

// plainAddrPort writes an IPv4 address that is dressed as IPv6 the short way, as
// the dialer does.
func plainAddrPort(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// refusal is the guard's error. It knows the address but not the name that led
// to it; explain puts the two together.
type refusal struct {
	address string // with port
	cause   error
}

func (r *refusal) Error() string   { return r.address + " is a private address" }
func (r *refusal) Unwrap() []error { return []error{ErrRefused, r.cause} }
