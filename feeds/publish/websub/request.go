package websub

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of what somebody asks for.
const (
	maxForm    = 16 << 10 // bytes
	maxAddress = 2048     // bytes
	maxSecret  = 200      // bytes; WebSub §5.1: less than that

	leaseDefault = 10 * 24 * time.Hour // WebSub §5.1 recommends 10 days
	leaseLeast   = 5 * time.Minute
	leaseMost    = 30 * 24 * time.Hour
)

// The modes of a request and of what a callback is told (WebSub §5).
const (
	subscribe   = "subscribe"
	unsubscribe = "unsubscribe"
	denied      = "denied"
)

// request is what somebody wants of the hub.
type request struct {
	mode, topic, callback, host, secret string
	lease                               time.Duration
}

// readRequest reads the form of a request (WebSub §5.1). fault says what is wrong with
// it, "" for nothing. Parameters that nobody knows are passed over.
func readRequest(body string) (r request, fault string) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return r, "the form cannot be read"
	}
	r = request{mode: form.Get("hub.mode"), topic: form.Get("hub.topic"), callback: form.Get("hub.callback"), secret: form.Get("hub.secret")}
	if r.mode != subscribe && r.mode != unsubscribe {
		return r, "hub.mode is neither subscribe nor unsubscribe"
	}
	if _, ok := address(r.topic); !ok {
		return r, "hub.topic is no absolute http or https address"
	}
	u, ok := address(r.callback)
	if !ok || u.User != nil || u.Fragment != "" || strings.HasSuffix(r.callback, "#") {
		return r, "hub.callback is no absolute http or https address without a password and a fragment"
	}
	r.host = machine(u)
	if len(r.secret) >= maxSecret || !plain(r.secret) {
		return r, "hub.secret is not a text of less than 200 bytes"
	}
	if r.lease, ok = readLease(form.Get("hub.lease_seconds")); !ok {
		return r, "hub.lease_seconds is no number of seconds"
	}
	return r, ""
}

// address parses what a stranger calls an absolute address.
func address(s string) (*url.URL, bool) {
	if len(s) > maxAddress || !plain(s) {
		return nil, false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || machine(u) == "" {
		return nil, false
	}
	return u, true
}

// machine is who an address belongs to: another port is the same machine, and so is a
// name with the root's dot. The root alone is nobody.
func machine(u *url.URL) string {
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

// plain says that s can be stored: valid UTF-8 without control characters.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// readLease reads how long somebody wants to be told, and gives what they get: no
// subscription is for ever (WebSub §5.3, §8.2).
func readLease(s string) (time.Duration, bool) {
	if s == "" {
		return leaseDefault, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	if n == 0 {
		return leaseDefault, true
	}
	n = min(max(n, int64(leaseLeast/time.Second)), int64(leaseMost/time.Second))
	return time.Duration(n) * time.Second, true
}

// withQuery appends parameters to an address, whose own stay as they are to the byte
// (WebSub §5.3).
func withQuery(address string, v url.Values) string {
	switch {
	case !strings.Contains(address, "?"):
		address += "?"
	case !strings.HasSuffix(address, "?") && !strings.HasSuffix(address, "&"):
		address += "&"
	}
	return address + v.Encode()
}
