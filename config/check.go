package config

import (
	"net"
	"net/mail"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"golang.org/x/net/idna"
	"golang.org/x/text/language"
)

// check judges what was read and completes it: the URL's slash, absolute paths,
// default slugs.
func (l *loader) check(c *Config) {
	l.planet(c)
	l.storage(c)
	l.addresses(c)
	if _, err := cron.ParseStandard(c.Schedule); err != nil {
		l.wrong(&c.Schedule, `write five fields such as "*/10 * * * *", or "@every 5m"`, "schedule is no cron specification: %v", err)
	}
	l.between(&c.Entries, "entries", 1, 1000)
	l.fetch(&c.Fetch)
	l.sources(c)
	l.categories(c.Categories)
	l.publish(c)
	l.authors(c.Authors)
	l.matches(c)
}

// given says that the file has a value for the field p points to, of the right type.
func (l *loader) given(p any) bool {
	m, ok := l.at[p]
	return ok && !m.bad
}

// wrong reports the value of the field p points to, unless that has happened.
func (l *loader) wrong(p any, hint, format string, args ...any) {
	if m := l.at[p]; !m.bad {
		l.report(m.value, hint, format, args...)
	}
}

func (l *loader) planet(c *Config) {
	p := &c.Planet
	m, ok := l.at[p]
	if !ok {
		l.report(spot{}, "add planet: with a title: and a url: below it", "planet is missing")
		return
	}
	if !m.bad {
		l.required(&p.Title, m.key, "planet.title", "add title: and the planet's name")
		l.required(&p.URL, m.key, "planet.url", "add url: and the address where the world sees the planet")
	}
	if l.given(&p.URL) && p.URL != "" && l.web(&p.URL, "planet.url") {
		if strings.ContainsAny(p.URL, "?#") {
			l.wrong(&p.URL, "take off everything from the ? or # on", "planet.url has a query or a fragment")
		}
		if u, err := url.Parse(p.URL); err == nil && (strings.Contains(u.Path, "//") || path.Clean("/"+u.Path) != "/"+strings.Trim(u.Path, "/")) {
			l.wrong(&p.URL, "write the path as browsers would", "planet.url has an empty step, . or .. in its path: %q", shorten(p.URL))
		}
		p.URL = inASCII(p.URL)
	}
	l.language(&p.Language, "planet.language")
	if l.given(&p.Owner.URL) {
		l.web(&p.Owner.URL, "planet.owner.url")
	}
	if l.given(&p.Owner.Email) {
		if a, err := mail.ParseAddress(p.Owner.Email); err != nil || a.Address != p.Owner.Email {
			l.wrong(&p.Owner.Email, "write one address such as keeper@example.org", "planet.owner.email is no mail address: %q", p.Owner.Email)
		}
	}
	l.local(&p.About, "planet.about", "write the text into a file and name it here")
	l.local(&p.Theme, "planet.theme", "download the theme and name its folder here")
	if c.Fetch.Contact == "" && !l.given(&c.Fetch.Contact) {
		c.Fetch.Contact = p.URL
	}
}

// inASCII writes a valid address so that it can stand in a feed and a header
// (RFC 3986 §2, RFC 5891), with a slash at its end and without a password.
func inASCII(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.User = nil
	if host, err := idna.Lookup.ToASCII(u.Hostname()); err == nil && host != u.Hostname() {
		u.Host = strings.Replace(u.Host, u.Hostname(), host, 1)
	}
	return strings.TrimSuffix(u.String(), "/") + "/"
}

// required reports a missing or empty text; without is where it should have been.
func (l *loader) required(p *string, without spot, path, hint string) {
	if m, ok := l.at[p]; !ok {
		l.report(without, hint, "%s is missing", path)
	} else if !m.bad && *p == "" {
		l.report(m.value, hint, "%s is empty", path)
	}
}

// web reports what is no absolute http(s) address.
func (l *loader) web(p *string, path string) bool {
	const longest = 4096 // bytes, as everywhere in the program
	u, err := url.Parse(*p)
	switch {
	case err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && len(*p) <= longest && !strings.ContainsAny(*p, " \n\t"):
		return true
	case err == nil && u.Scheme == "" && u.Host == "" && strings.Contains(strings.Split(u.Path, "/")[0], "."):
		l.wrong(p, "did you mean https://"+shorten(*p)+"?", "%s has no http:// or https://", path)
	default:
		l.wrong(p, "write it whole, such as https://example.org/", "%s is no web address: %q", path, shorten(*p))
	}
	return false
}

func (l *loader) language(p *string, path string) {
	if !l.given(p) {
		return
	}
	tag, err := language.Raw.Parse(*p)
	if err != nil {
		l.wrong(p, "write a code such as en, de or pt-BR", "%s is no language known to BCP 47: %q", path, shorten(*p))
		return
	}
	*p = tag.String()
}

// storage makes the file's path absolute: the program may be started anywhere. What
// else stands in the address of a server, the driver knows.
func (l *loader) storage(c *Config) {
	const use = "use sqlite:FILE, or postgres://USER:PASSWORD@HOST/DATABASE"
	scheme, file, found := strings.Cut(c.Storage, ":")
	switch {
	case found && (scheme == "postgres" || scheme == "postgresql"):
		if u, err := url.Parse(c.Storage); err != nil || u.Opaque != "" || strings.Trim(u.Path, "/") == "" {
			l.wrong(&c.Storage, use, "storage names no database of a PostgreSQL server") // it may hold a password
		}
	case !found || scheme != "sqlite":
		l.wrong(&c.Storage, use, "storage names no database: %q", shorten(c.Storage))
	case file == "" || strings.HasSuffix(file, "/"):
		l.wrong(&c.Storage, use, "storage names no file: %q", shorten(c.Storage))
	case strings.HasPrefix(file, "//") && !strings.HasPrefix(file, "///"):
		l.wrong(&c.Storage, "write sqlite:"+strings.TrimPrefix(file, "//"), "storage has a host where its file should be: %q", shorten(c.Storage))
	case strings.ContainsAny(file, "?#") || file == ":memory:":
		l.wrong(&c.Storage, use, "storage takes a file without options: %q", shorten(c.Storage))
	default:
		c.Storage = "sqlite:" + l.path(file)
	}
}

// path makes p absolute.
func (l *loader) path(p string) string {
	if p = filepath.FromSlash(p); filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(l.folder, p)
}

func (l *loader) addresses(c *Config) {
	ok := l.hostPort(&c.Listen, "listen")
	if c.Admin == "" || !l.hostPort(&c.Admin, "admin") || !ok {
		return
	}
	if overlap(c.Listen, c.Admin) {
		p := &c.Admin
		if !l.given(p) {
			p = &c.Listen
		}
		l.wrong(p, `give admin another port, or turn it off with ""`, "admin (%s) and listen (%s) are the same address", c.Admin, c.Listen)
	}
}

func (l *loader) hostPort(p *string, path string) bool {
	host, port, err := net.SplitHostPort(*p)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || strings.ContainsAny(host, " /") {
		l.wrong(p, "write it as 127.0.0.1:8080, or :8080 for every address", "%s is no host:port: %q", path, shorten(*p))
		return false
	}
	return true
}

// overlap says that a server on a leaves no place for one on b. Port 0 is any
// free port.
func overlap(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	numberA, _ := strconv.Atoi(portA)
	numberB, _ := strconv.Atoi(portB)
	every := []string{"", "0.0.0.0", "::"}
	loopback := []string{"localhost", "127.0.0.1", "::1"}
	return numberA == numberB && numberA != 0 &&
		(strings.EqualFold(hostA, hostB) || slices.Contains(every, hostA) || slices.Contains(every, hostB) ||
			slices.Contains(loopback, hostA) && slices.Contains(loopback, hostB) && (hostA == "localhost" || hostB == "localhost"))
}

func (l *loader) between(p *int, path string, low, high int) {
	if *p < low || *p > high {
		l.wrong(p, "", "%s wants a number from %d to %d, not %d", path, low, high, *p)
	}
}

func (l *loader) fetch(f *Fetch) {
	l.between(&f.Concurrency, "fetch.concurrency", 1, 1000)
	l.between(&f.PerHost, "fetch.per_host", 1, 1000)
	if f.PerHost > f.Concurrency && f.Concurrency > 0 {
		l.larger(&f.PerHost, &f.Concurrency, "fetch.per_host (%d) is more than fetch.concurrency (%d)", f.PerHost, f.Concurrency)
	}
	if f.PausePerHost > time.Hour {
		l.wrong(&f.PausePerHost, "a pass over many feeds of one host would never end", "fetch.pause_per_host is more than 1h")
	}
	if f.Timeout < time.Millisecond || f.Timeout > time.Hour {
		l.wrong(&f.Timeout, "30s suits most", "fetch.timeout wants a duration from 1ms to 1h")
	}
	if f.MaxBody < 1<<10 || f.MaxBody > 1<<30 {
		l.wrong(&f.MaxBody, "5MiB suits most", "fetch.max_body wants a size from 1KiB to 1GiB")
	}
	if f.MinInterval > f.MaxInterval {
		l.larger(&f.MinInterval, &f.MaxInterval, "fetch.min_interval (%s) is more than fetch.max_interval (%s)", brief(f.MinInterval), brief(f.MaxInterval))
	} else if f.MaxInterval == 0 {
		l.wrong(&f.MaxInterval, "24h suits most", "fetch.max_interval would never rest")
	}
	if l.given(&f.Contact) && !contact.MatchString(f.Contact) {
		l.wrong(&f.Contact, "such as https://example.org/about or keeper@example.org", "fetch.contact is neither a web nor a mail address in ASCII: %q", shorten(f.Contact))
	}
}

// contact is sent inside a comment of User-Agent, whose ends are parentheses
// (RFC 9110 §5.6.5).
var contact = regexp.MustCompile(`^(https?://|mailto:)?[!-'*-\[\]-~]+[.@:][!-'*-\[\]-~]+$`)

// larger reports a pair whose first should not be larger, at the one that the
// file gives: the other may be a default.
func (l *loader) larger(small, large any, format string, args ...any) {
	if l.at[small].bad || l.at[large].bad {
		return
	}
	p := small
	if !l.given(p) {
		p = large
	}
	l.wrong(p, "change one of them", format, args...)
}

// brief is d without the zeros of its String: 2h, not 2h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
