package fetch

import (
	"context"
	"net"
	"net/http"
)

// Once makes one request, with the address guard and the limits of connections of every
// other, and follows no redirect: for what is not a visit, such as a hub that is told or a
// callback. The caller bounds its time, and closes the body.
func (h *HTTP) Once(req *http.Request) (*http.Response, error) {
	w := &walk{url: req.URL, home: req.URL}
	answer, err := h.once(req)
	if err != nil {
		return nil, h.explain(req.Context(), req.Context(), w, err)
	}
	return answer, nil
}

// Dial connects to a server that the configuration names: no guard is asked, since no
// stranger chose the address.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
}
