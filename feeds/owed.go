package feeds

import "time"

// Delivery is a row of the outbox as one listener sees it.
type Delivery struct {
	ID    int64  // of the outbox row
	Entry string // Entry.ID
	GUID  string // Entry.GUID, which the atom:id of a withdrawn entry is made of
	Event string // new, revised or withdrawn
	At    time.Time
	Tries int // how often it has failed
	// Told says that the listener has the entry, by the Has of what was last settled of it.
	Told bool
}

// Item is what a listener is told: what is new of one entry.
type Item struct {
	ID    int64     // of the newest outbox row in it; the same whenever the same is sent again
	Event string    // new, revised or withdrawn
	Key   string    // Entry.ID
	GUID  string    // Entry.GUID
	At    time.Time // when it happened, the last of it
	Since time.Time // when the first of it did, that the listener has not been told
	Entry *Entry    // nil when it is withdrawn
}

// Settlement is what became of deliveries.
type Settlement struct {
	// Has says that the listener has the entries now: false after their end was told.
	Has bool
	// Failure says why they were not taken; nil: they are done. Retry is when to try
	// again; zero: never, they are given up and kept with the failure for people to see.
	Failure error
	Retry   time.Time
}

// Debt is what a listener is owed, for people and counters.
type Debt struct {
	To      string    // the listener
	Owed    int       // deliveries that are still to be made
	Oldest  time.Time // when the first of them happened; zero: none is owed
	Tries   int       // how often the one of them that failed most often did
	Next    time.Time // when the first of them is tried; zero: as soon as can be
	Error   string    // of the last failure among them; "": none has failed
	GivenUp int       // deliveries that will not be tried again
	// Failed are those of both kinds that failed, the last failure first, at most 100.
	Failed []FailedDelivery
}

// FailedDelivery is one that was not taken.
type FailedDelivery struct {
	Delivery
	Error   string
	Failed  time.Time // when it was not taken the last time
	Retry   time.Time // when it is tried again; zero: as soon as can be
	GivenUp bool      // it is not tried again, unless a person says so
}

// HubSubscription is what our hub knows of a callback and a topic, which together are
// its key (WebSub §5.1), and of what was last asked for it.
type HubSubscription struct {
	Topic, Callback string
	Host            string // of the callback without its port, in lower case
	Rev             int64  // raised by every change; 0: it is not stored yet

	// What was verified. Nothing is sent while Expires is zero or past.
	Secret  string
	Expires time.Time

	// What is asked for, and not verified: Mode is subscribe, unsubscribe, denied (its end
	// is to be told) or empty. Serial counts what was asked.
	Mode      string
	Serial    int64
	NewSecret string
	Lease     time.Duration
	Reason    string
	Asks      int // verifications that failed
	AskNext   time.Time

	// What is owed: the topic has changed Changed times, and the subscriber has what it
	// was the Told-th time.
	Changed, Told int64
	Digest        string    // of what it was sent last
	Tries         int       // deliveries in a row that failed
	NotBefore     time.Time // never zero
	Called        time.Time // when the callback was last asked for anything
	Error         string    // of the last delivery; "": it was taken

	Next time.Time // when there is something to do; never zero
	Held time.Time // until when a worker has it
}

// PushSubscription is what is known of the push of one source, where somebody else's hub
// calls us. There is one for each source that names a hub.
type PushSubscription struct {
	Source int64
	Rev    int64 // raised by every change; 0: it is not stored yet

	// What the source named last (WebSub §4).
	Hub, Topic string

	// What a hub has verified. ID is the last part of the callback; "": nothing.
	ID, Secret, OfTopic string
	Expires             time.Time

	// What a hub was asked for and has not verified yet. NewID: "": nothing.
	NewID, NewSecret, NewTopic string
	Asked                      time.Time

	Tries int       // to subscribe, in a row, that failed
	Error string    // of the last one, for people; "": it did not fail
	Renew time.Time // when to ask for a subscription, or to stop waiting for its verification

	Look   time.Time // when the source is to be visited since a hub has called; zero: none has
	Looked time.Time // when it last was for that reason

	Next time.Time // when there is something to do; never zero
}
