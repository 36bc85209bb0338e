// Orrery gathers what a community writes and hands it on to every reader in
// every format: a planet.
//
// # The tour
//
// The program is five rooms with a law between them: anyone may import feeds, a
// folder may import its own children, and only this package, which knows
// everybody, imports across (imports_test.go keeps the law).
//
//	cmd/orrery   the commands, one a file; run in main.go is the whole program
//	config       the configuration file; its structs are the manual
//	feeds        the words and the codecs: bytes → Feed → bytes, all of it pure
//	feeds/site   the planet as an http.Handler and, the same bytes, as files
//	feeds/publish   the outbox → hubs, webhooks, programs, the XMPP network
//	aggregator   visits: claim, fetch, read, decide, commit
//	aggregator/push   hubs that call when a source has something new
//	aggregator/fetch   one polite GET, or a stat a file; the only room that dials
//	storage      the database; a visit is committed whole or not at all
//
// # One post through the house
//
// cron says when to look, next_visit in the store says who is due. aggregator
// claims the source: a lease with a fencing token, so that a second process
// neither waits nor visits it, too. A fetch.Func looks: an HTTP source answers
// with bytes, which feeds.Read makes a Feed of; a folder (fetch.Folder) compares
// its files with the listing of the last visit and parses only what changed.
// feeds.Normalize makes addresses absolute and HTML harmless.
//
// decide (aggregator/decide.go) is given the time, the answer and what the store
// knows, and returns a Visit: which entries are new or revised, in which
// categories, when to come back. It is pure; its tests are tables.
//
// storage.Commit stores the Visit in one transaction: copies of posts, the
// entries they make, categories, versions, the outbox, and the validators of the
// answer, so that a crash can never leave a 304 in front of posts that were not
// stored. Which copies are one post is decided there, so two processes cannot
// disagree: every copy keeps its keys (feeds.Entry.Keys) and a sketch of its text
// (feeds.SketchOf); the commit gathers whoever shares one with what is new, and
// feeds.Cluster, which is pure, says which of them are one, whatever the order in which
// they came. storage/group.go gives each cluster its entry, storage/merge.go makes the
// entry what its best copy is, storage/rekey.go knows a source's posts again when they
// have new GUIDs, storage/announce.go decides what the world hears of.
//
// feeds/site renders a document when somebody first asks for it, keeps it with
// its ETag and its compressed bytes, and renders it again when the version of what it
// shows has risen. A second ticker asks the store for that; a request never does.
//
// The outbox rows that a commit wrote are owed to every listener of the configuration.
// feeds/publish sends and settles them, one listener apart from the others, whichever
// process has its turn; listeners.go and room.go say who they are.
//
// # Where to begin reading
//
// feeds/feed.go for the words, aggregator/visit.go for the order of things,
// feeds/cluster.go and storage/entries.go for how a post is kept once.
package main
