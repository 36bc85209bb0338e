package site

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"strings"
)

// assetNames are the addresses of the files every page needs, root-relative.
type assetNames struct {
	Style, Icon, Manifest string
	// Files are all of static, by their names.
	Files map[string]string
}

// loadAssets makes a document of every static file and of the pictures of sources. The
// names hold a hash of the content, so that the file can be kept for ever.
func (s *Site) loadAssets(theme fs.FS, faces map[string][]byte) error {
	files, err := names(theme, static, "static", true)
	if err != nil {
		return fmt.Errorf("read the static files: %w", err)
	}
	s.assets, s.faces, s.names.Files = map[string]*document{}, map[string]string{}, map[string]string{}
	for _, name := range files {
		body, err := overlaid(theme, static, "static/"+name)
		if err != nil {
			return fmt.Errorf("read the static files: %w", err)
		}
		s.names.Files[name] = s.asset(name, body)
	}
	s.names.Style, s.names.Icon = s.names.Files["planet.css"], s.names.Files["planet.svg"]
	s.planet.Icon = cmp.Or(s.planet.Icon, s.planet.URL+strings.TrimPrefix(s.names.Icon, s.base))
	for slug, body := range faces {
		ext, err := faceType(body)
		if err != nil {
			return fmt.Errorf("the picture of %s cannot be taken: %w", slug, err)
		}
		s.faces[slug] = s.asset("face"+ext, body)
	}
	return nil
}

// asset adds a file and returns its address.
func (s *Site) asset(file string, body []byte) string {
	sum := sha256.Sum256(body)
	ext := path.Ext(file)
	name := "static/" + strings.TrimSuffix(file, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	s.assets[name] = newDocument(body, facts{
		typ: assetType(ext), control: "public, max-age=31536000, immutable", policy: feedPolicy,
	})
	return s.base + name
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
