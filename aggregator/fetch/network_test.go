package fetch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// forbidden are the names that open connections past the guard. A type is
// forbidden but where a pointer to it is named, so that what this package hands
// out can be passed around.
var forbidden = map[string]func(name string) bool{
	"net/http": func(name string) bool {
		return slices.Contains([]string{"Get", "Post", "Head", "PostForm", "DefaultClient", "DefaultTransport", "Client", "Transport"}, name)
	},
	"net":        func(name string) bool { return strings.HasPrefix(name, "Dial") },
	"crypto/tls": func(name string) bool { return strings.HasPrefix(name, "Dial") },
}

// openers lists where a file opens connections of its own.
func openers(fset *token.FileSet, file *ast.File) []string {
	var found []string
	imports := map[string]string{} // the name in this file → the path
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		if forbidden[path] == nil {
			continue
		}
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." {
			found = append(found, fset.Position(spec.Pos()).String()+": import . "+spec.Path.Value)
		}
		imports[name] = path
	}
	pointers := map[ast.Expr]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StarExpr:
			pointers[n.X] = true
		case *ast.SelectorExpr:
			pkg, ok := n.X.(*ast.Ident)
			if !ok || pointers[n] {
				break
			}
			if names := forbidden[imports[pkg.Name]]; names != nil && names(n.Sel.Name) {
				found = append(found, fset.Position(n.Pos()).String()+": "+pkg.Name+"."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}

func TestOnlyFetchOpensConnections(t *testing.T) {
	root := moduleRoot(t)
	files, own := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files++
		found := openers(fset, file)
		if filepath.Dir(path) == filepath.Join(root, "aggregator", "fetch") {
			own += len(found)
			return nil
		}
		for _, f := range found {
			t.Errorf("%s: only aggregator/fetch opens connections; the address guard does not see this one", f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 || own == 0 {
		t.Errorf("looked at %d files and found %d uses in this package: the search is broken", files, own)
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

func TestDetectorFindsConnectionsOpenedElsewhere(t *testing.T) {
	tests := []struct {
		imports, code string
		found         int
	}{
		{`"net/http"`, `var _, _ = http.Get("https://example.org/")`, 1},
		{`"net/http"`, `var _, _ = http.PostForm("", nil)`, 1},
		{`"net/http"`, `var f = http.Head`, 1},
		{`"net/http"`, `var c = http.DefaultClient`, 1},
		{`"net/http"`, `var c = http.DefaultTransport`, 1},
		{`"net/http"`, `var c = &http.Client{}`, 1},
		{`"net/http"`, `var c = http.Client{}`, 1},
		{`"net/http"`, `var c http.Client`, 1},
		{`"net/http"`, `var c = new(http.Client)`, 1},
		{`"net/http"`, `var c = &http.Client{Transport: &http.Transport{}}`, 2},
		{`web "net/http"`, `var _, _ = web.Get("")`, 1},
		{`. "net/http"`, `var _, _ = Get("")`, 1},
		{`"net"`, `var _, _ = net.Dial("tcp", "")`, 1},
		{`"net"`, `var _, _ = net.DialTimeout("tcp", "", 0)`, 1},
		{`"net"`, `var d = net.Dialer{}`, 1},
		{`"crypto/tls"`, `var _, _ = tls.Dial("tcp", "", nil)`, 1},
		{`"crypto/tls"`, `var d tls.Dialer`, 1},
		{`"net/http"`, `func use(c *http.Client) {}`, 0},
		{`"net/http"`, `var s = &http.Server{Handler: http.NotFoundHandler()}`, 0},
		{`"net/http"`, `var m = http.MethodGet`, 0},
		{`"net"`, `var _, _ = net.Listen("tcp", "")`, 0},
		{`http "example.org/other"`, `var _ = http.Get("")`, 0},
	}
	for _, tt := range tests {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "x.go", "package x\nimport "+tt.imports+"\n"+tt.code, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := openers(fset, file); len(got) != tt.found {
			t.Errorf("%s; %s: found %v, want %d", tt.imports, tt.code, got, tt.found)
		}
	}
}
