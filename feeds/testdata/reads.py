"""What feedparser reads in feeds, for differ_test.go: the path of a feed a line comes in,
a JSON object a line goes out."""

import json
import sys
import time

import feedparser


def raw(entry, key):
    # Not entry[key], which makes one date of the other.
    return dict.get(entry, key)


def stamp(entry, key):
    t = raw(entry, key)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", t) if t else ""


def heard(e):
    title = e.get("title_detail") or {}
    return {
        "id": e.get("id", ""),
        "title": title.get("value", ""),
        "type": title.get("type", ""),
        "link": e.get("link", ""),
        "published": stamp(e, "published_parsed"),
        "updated": stamp(e, "updated_parsed"),
        "authors": len([a for a in e.get("authors", []) if a]),
        "tags": len(e.get("tags", [])),
        "files": len(e.get("enclosures", [])) + len(e.get("media_content", [])),
        "text": bool(e.get("content") or e.get("summary")),
    }


for line in sys.stdin:
    with open(line.rstrip("\n"), "rb") as f:
        d = feedparser.parse(f.read(), sanitize_html=False, resolve_relative_uris=False)
    fault = d.get("bozo_exception")
    json.dump({"fault": str(fault) if fault else "", "entries": [heard(e) for e in d.entries]}, sys.stdout)
    print(flush=True)
