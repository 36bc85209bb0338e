package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"orrery/aggregator"
	"orrery/feeds"
)

// journal is what a running planet tells whoever looks after it: lines for people,
// or with --log-format json records for a program (log/slog), on stderr.
type journal struct {
	lines   io.Writer    // nil: records
	records *slog.Logger // nil: lines
}

// logFormat adds the flag to a command that runs for long or from cron.
func (p *program) logFormat(c *cobra.Command) {
	c.Flags().StringVar(&p.logs, "log-format", "text", "what is told on stderr: text or json")
}

func (p *program) newJournal() (*journal, error) {
	w := &lockedWriter{w: p.stderr}
	switch p.logs {
	case "", "text":
		return &journal{lines: w}, nil
	case "json":
		return &journal{records: slog.New(slog.NewJSONHandler(w, nil))}, nil
	}
	return nil, wrongUsage("--log-format is text or json, not %q", p.logs)
}

func (j *journal) say(format string, args ...any) { j.tell(slog.LevelInfo, format, args...) }

// warn tells of what somebody should see to.
func (j *journal) warn(format string, args ...any) { j.tell(slog.LevelWarn, format, args...) }

func (j *journal) tell(level slog.Level, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if j.records != nil {
		j.records.Log(context.Background(), level, text)
		return
	}
	fmt.Fprintf(j.lines, "orrery: %s\n", text)
}

// visit tells of a visit: to people when it changed something or failed.
func (j *journal) visit(v feeds.Visit, t feeds.Tally) {
	if j.records == nil {
		if line := lineOf(v, t); line != "" {
			j.say("%s", line)
		}
		return
	}
	s := &v.Due.Source
	attrs := []any{
		"source", s.Slug, "address", redacted(s.Asked()), "status", v.Status, "took_ms", v.Answer.Took.Milliseconds(), "bytes", v.Answer.Bytes,
		"new", t.New, "revised", t.Revised, "duplicate", t.Duplicate, "withdrawn", t.Withdrawn, "next", timeOrNull(v.Next), "why", v.Answer.Next,
	}
	if v.Err != nil {
		j.records.Warn("visit failed", append(attrs, "error", feeds.Explain(v.Err), "failures", s.State.Failures+1)...)
		return
	}
	if len(v.Problems) > 0 {
		attrs = append(attrs, "problems", strings.Join(v.Problems, "\n"))
	}
	j.records.Info("visit", attrs...)
}

// pass tells how a pass went: to people when it did something.
func (j *journal) pass(s aggregator.Summary, err error) {
	if err != nil {
		j.warn("the pass was broken off, the next one goes on: %v", err)
		return
	}
	if j.records == nil {
		if !s.Zero() || s.Failed > 0 {
			j.say("%s", s)
		}
		return
	}
	j.records.Info("pass", "sources", s.Sources, "new", s.New, "revised", s.Revised, "duplicate", s.Duplicate, "withdrawn", s.Withdrawn,
		"failed", s.Failed, "unchanged", s.Unchanged, "took_ms", s.Took.Milliseconds())
}
