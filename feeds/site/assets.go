package site

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"path"
	"strings"
)

//go:embed static
var static embed.FS

// assetNames are the addresses of the files every page needs, root-relative.
type assetNames struct{ Style, Icon string }

// loadAssets makes a document of every static file. The name holds a hash of
// the content, so that the file can be kept for ever.
func (s *Site) loadAssets() error {
	files, err := static.ReadDir("static")
	if err != nil {
		return fmt.Errorf("read the static files: %w", err)
	}
	s.assets = map[string]*document{}
	for _, f := range files {
		body, err := static.ReadFile("static/" + f.Name())
		if err != nil {
			return fmt.Errorf("read the static files: %w", err)
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(f.Name())
		name := "static/" + strings.TrimSuffix(f.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		s.assets[name] = newDocument(body, facts{
			typ: assetType(ext), control: "public, max-age=31536000, immutable", policy: feedPolicy,
		})
		switch f.Name() {
		case "planet.css":
			s.names.Style = s.base + name
		case "planet.svg":
			s.names.Icon = s.base + name
			s.planet.Icon = cmp.Or(s.planet.Icon, s.planet.URL+name)
		}
	}
	return nil
}

// assetType does not depend on the machine's own table for what we ship.
func assetType(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(ext)
}
