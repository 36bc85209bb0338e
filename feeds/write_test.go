package feeds

import "io"

var writers = map[string]func(io.Writer, *Feed) error{"atom": WriteAtom, "rss": WriteRSS, "json": WriteJSON}
