package main

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"orrery/feeds"
)

// metricsPatience is how long the store may take to say what is measured.
const metricsPatience = 5 * time.Second

// debts measures what listeners are owed, when somebody asks.
type debts struct {
	read                         func(ctx context.Context) ([]feeds.Debt, error)
	owed, oldest, tries, givenUp *prometheus.Desc
}

func newDebts(read func(ctx context.Context) ([]feeds.Debt, error)) *debts {
	of := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"listener"}, nil)
	}
	return &debts{
		read:    read,
		owed:    of("orrery_deliveries_owed", "Deliveries that are still to be made to the listener."),
		oldest:  of("orrery_deliveries_oldest_timestamp_seconds", "When the oldest of them happened; absent if none is owed."),
		tries:   of("orrery_deliveries_tries", "How often the one of them that failed most often did."),
		givenUp: of("orrery_deliveries_given_up", "Deliveries that are not tried again and are kept for people to see."),
	}
}

func (d *debts) Describe(out chan<- *prometheus.Desc) {
	for _, x := range []*prometheus.Desc{d.owed, d.oldest, d.tries, d.givenUp} {
		out <- x
	}
}

func (d *debts) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), metricsPatience)
	defer cancel()
	list, err := d.read(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(d.owed, err)
		return
	}
	for i := range list {
		x := &list[i]
		say := func(what *prometheus.Desc, n float64) {
			out <- prometheus.MustNewConstMetric(what, prometheus.GaugeValue, n, x.To)
		}
		say(d.owed, float64(x.Owed))
		say(d.tries, float64(x.Tries))
		say(d.givenUp, float64(x.GivenUp))
		if !x.Oldest.IsZero() {
			say(d.oldest, float64(x.Oldest.UnixMicro())/1e6)
		}
	}
}

// metrics answers in the format of Prometheus. A store that does not answer is an error,
// not a planet that owes nothing.
func metrics(read func(ctx context.Context) ([]feeds.Debt, error)) http.Handler {
	all := prometheus.NewRegistry()
	all.MustRegister(newDebts(read), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(all, promhttp.HandlerOpts{MaxRequestsInFlight: 2})
}
