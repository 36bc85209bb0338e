// Package feedstest is for tests: it finds the real posts and feeds that lie
// beside the project, and makes hostile ones.
package feedstest

import (
	"os"
	"path/filepath"
	"testing"
)

// Data is the path of name in the shared test data. Where the data is absent
// the test is skipped, and fails if CI is set: there nothing may be left out.
func Data(t testing.TB, name string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(root, "go.mod")) {
		if root == filepath.Dir(root) {
			t.Fatal("no go.mod above the test")
		}
		root = filepath.Dir(root)
	}
	path := filepath.Join(root, "..", "shared", "data", filepath.FromSlash(name))
	if exists(path) {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("the test data is missing: %s", path)
	}
	t.Skipf("the test data is missing: %s", path)
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
