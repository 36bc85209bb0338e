package storage

import (
	"bytes"
	"encoding/json"

	"orrery/feeds"
)

// prepared is an entry as it will be stored: all that can be made of it without
// the database. It is made before the visit has its turn to write, for which
// everybody else waits.
type prepared struct {
	*feeds.Entry
	guid       []byte   // hash of the GUID
	identity   string   // what its public ID is made of
	keys       [][]byte // hashes of its keys, in the order in which a post is looked for by them
	hash       string
	body       string
	categories string
}

func prepareAll(source *feeds.Source, list []feeds.Entry) ([]prepared, error) {
	out := make([]prepared, len(list))
	for i := range list {
		if err := out[i].prepare(source, &list[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *prepared) prepare(source *feeds.Source, e *feeds.Entry) (err error) {
	p.Entry, p.guid, p.hash = e, hashOf(e.GUID), e.Hash()
	p.identity = e.Identity(source.URL)
	first := e.GlobalKey()
	if first != "" {
		p.keys = append(p.keys, hashOf(first))
	}
	for _, k := range e.Keys() {
		if k != first {
			p.keys = append(p.keys, hashOf(k))
		}
	}
	p.body, p.categories, err = encode(e)
	return err
}

func encode(e *feeds.Entry) (body, categories string, err error) {
	var b bytes.Buffer
	j := json.NewEncoder(&b)
	j.SetEscapeHTML(false) // six bytes for every < of a text that is HTML
	if err := j.Encode(e); err != nil {
		return "", "", err
	}
	categories, err = encodeCategories(e)
	return b.String(), categories, err
}

func encodeCategories(e *feeds.Entry) (string, error) {
	if len(e.Categories) == 0 {
		return "[]", nil
	}
	c, err := json.Marshal(e.Categories)
	return string(c), err
}
