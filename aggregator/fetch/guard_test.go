package fetch

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestGuardRefusesWhatIsNotThePublicInternet(t *testing.T) {
	g := newGuard(nil)
	for _, tt := range []struct{ address, why string }{
		{"127.0.0.1:80", "loopback"},
		{"127.255.255.254:80", "loopback"},
		{"0.0.0.0:80", "unspecified"},
		{"0.1.2.3:80", "this network"},
		{"10.0.0.1:80", "RFC 1918"},
		{"172.16.0.1:443", "RFC 1918"},
		{"172.31.255.255:443", "RFC 1918"},
		{"192.168.1.1:8080", "RFC 1918"},
		{"100.64.0.1:80", "carrier-grade NAT"},
		{"100.127.255.254:80", "carrier-grade NAT"},
		{"100.100.100.200:80", "a cloud's metadata inside carrier-grade NAT"},
		{"169.254.0.1:80", "link-local"},
		{"169.254.169.254:80", "metadata"},
		{"169.254.170.2:80", "metadata of containers"},
		{"168.63.129.16:80", "Azure's host"},
		{"168.63.129.16:32526", "Azure's host, any port"},
		{"192.0.0.192:80", "protocol assignments, metadata of a cloud"},
		{"192.0.2.1:80", "documentation"},
		{"198.51.100.7:80", "documentation"},
		{"203.0.113.9:80", "documentation"},
		{"192.88.99.1:80", "6to4 relay"},
		{"198.18.0.1:80", "benchmarks"},
		{"198.19.255.255:80", "benchmarks"},
		{"224.0.0.1:80", "multicast"},
		{"239.255.255.250:1900", "multicast"},
		{"240.0.0.1:80", "reserved"},
		{"255.255.255.255:80", "broadcast"},
		{"[::]:80", "unspecified"},
		{"[::1]:80", "loopback"},
		{"[::ffff:127.0.0.1]:80", "mapped loopback"},
		{"[::ffff:10.0.0.1]:80", "mapped RFC 1918"},
		{"[::ffff:169.254.169.254]:80", "mapped metadata"},
		{"[::127.0.0.1]:80", "IPv4-compatible"},
		{"[64:ff9b::7f00:1]:80", "NAT64 of loopback"},
		{"[64:ff9b::a9fe:a9fe]:80", "NAT64 of metadata"},
		{"[64:ff9b:1::1]:80", "local NAT64"},
		{"[2002:7f00:1::]:80", "6to4 of loopback"},
		{"[2002:a00:1::1]:80", "6to4 of RFC 1918"},
		{"[2001:0:7f00:1::1]:80", "Teredo"},
		{"[2001:10::1]:80", "ORCHID"},
		{"[2001:db8::1]:80", "documentation"},
		{"[3fff::1]:80", "documentation"},
		{"[100::1]:80", "discard"},
		{"[fc00::1]:80", "unique local"},
		{"[fd00:ec2::254]:80", "metadata over IPv6"},
		{"[fe80::1]:80", "link-local"},
		{"[fe80::1%eth0]:80", "link-local with a zone"},
		{"[2606:4700::1%eth0]:80", "no public address has a zone"},
		{"[fec0::1]:80", "site-local"},
		{"[ff02::1]:80", "multicast"},
		{"[5f00::1]:80", "segment routing"},
		{"not an address", "nothing to dial"},
	} {
		if err := g.control(context.Background(), networkOf(tt.address), tt.address, nil); !errors.Is(err, ErrRefused) {
			t.Errorf("%s (%s): err = %v, want ErrRefused", tt.address, tt.why, err)
		}
	}
}

func TestGuardLetsThePublicInternetPass(t *testing.T) {
	g := newGuard(nil)
	for _, tt := range []struct{ address, why string }{
		{"8.8.8.8:80", "public"},
		{"1.1.1.1:443", "public"},
		{"93.184.216.34:8080", "public, another port"},
		{"9.255.255.255:80", "before RFC 1918"},
		{"11.0.0.0:80", "behind RFC 1918"},
		{"172.15.255.255:80", "before RFC 1918"},
		{"172.32.0.1:80", "behind RFC 1918"},
		{"100.63.255.255:80", "before carrier-grade NAT"},
		{"100.128.0.1:80", "behind carrier-grade NAT"},
		{"168.63.129.17:80", "beside Azure's host"},
		{"223.255.255.254:80", "before multicast"},
		{"[2606:4700:4700::1111]:443", "public"},
		{"[2a00:1450:4001::1]:8080", "public, another port"},
	} {
		if err := g.control(context.Background(), networkOf(tt.address), tt.address, nil); err != nil {
			t.Errorf("%s (%s): refused: %v", tt.address, tt.why, err)
		}
	}
}

// networkOf is what the dialer calls the network of an address.
func networkOf(address string) string {
	if strings.HasPrefix(address, "[") {
		return "tcp6"
	}
	return "tcp4"
}

func TestGuardAllowsExactPairsOnly(t *testing.T) {
	g := newGuard([]netip.AddrPort{
		netip.MustParseAddrPort("127.0.0.1:9000"),
		netip.MustParseAddrPort("[::ffff:10.0.0.7]:80"),
		netip.MustParseAddrPort("[::1]:9001"),
	})
	tests := []struct {
		network, address string
		pass             bool
	}{
		{"tcp4", "127.0.0.1:9000", true},
		{"tcp6", "[::ffff:127.0.0.1]:9000", true},
		{"tcp4", "10.0.0.7:80", true},
		{"tcp6", "[::1]:9001", true},
		{"tcp4", "127.0.0.1:9001", false},
		{"tcp4", "127.0.0.2:9000", false},
		{"tcp6", "[::1]:9000", false},
		{"tcp4", "10.0.0.7:81", false},
		{"udp4", "127.0.0.1:9000", false},
		{"unix", "127.0.0.1:9000", false},
	}
	for _, tt := range tests {
		err := g.control(context.Background(), tt.network, tt.address, nil)
		if (err == nil) != tt.pass {
			t.Errorf("%s %s: err = %v, want pass = %v", tt.network, tt.address, err, tt.pass)
		}
	}
}
