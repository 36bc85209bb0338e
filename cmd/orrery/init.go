package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"orrery/config"
)

const firstPost = `---
title: Hello, planet
date: 2026-01-01
author: You
categories: [News]
---
This is a post in **Markdown**. Everything in this folder and below it is
published; write another one beside it and run

    orrery fetch

<!--more-->

What stands above the mark is the summary.
`

func (p *program) init() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Begin a planet: a commented orrery.yaml and a first post",
		Example: `  orrery init               in this folder
  orrery init planet        in a new folder`,
		Args: between(0, 1, "at most one folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return p.begin(dir)
		},
	}
}

func (p *program) begin(dir string) error {
	files := []struct{ name, text string }{
		{filepath.Join("content", "posts", "hello-planet.md"), firstPost},
		{"orrery.yaml", config.Example},
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s exists; it will not be overwritten", path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := writeNew(path, f.text); err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, path)
	}
	hint := ""
	if dir != "." {
		hint = "cd " + dir + ", "
	}
	fmt.Fprintf(p.stderr, "next: %sedit orrery.yaml, then orrery check, orrery fetch, orrery serve\n", hint)
	return nil
}

func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
