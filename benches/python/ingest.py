"""Taking in and scoring postings as a user of Python would write it: sqlite3, rapidfuzz, scikit-learn.

Usage: ingest.py POSTINGS.jsonl KNOWN

The first KNOWN postings are in the catalogue when the clock starts; the others are taken in one after the other: looked up
by address, compared with the postings of the same company, inserted when they are new. Then every posting is scored for
one profile by TF-IDF and cosine. Prints one JSON line with seconds for one posting.
"""

import json
import re
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import rapidfuzz
import sklearn
from rapidfuzz import fuzz
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import linear_kernel

TITLE_ALIKE = 85
TEXT_ALIKE = 85
COMMIT_EVERY = 1_000
PROFILE = (
    "Backend engineer with eight years of Rust and Python, most of it on payment systems. Built the ledger of a payment "
    "company in Rust and PostgreSQL; ran it on Kubernetes. Data pipelines in Python and Airflow. gRPC, Docker, Linux."
)


def company_key(name):
    """The company's name without its legal form."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    return " ".join(word for word in words if word not in {"gmbh", "ltd", "inc", "ag"})


def open_catalogue(path):
    database = sqlite3.connect(path)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = normal")
    database.execute(
        "create table posting (id integer primary key, url text unique, title text, company text, block text, "
        "place text, text text)"
    )
    database.execute("create index posting_block on posting (block)")
    return database


def insert(database, posting):
    database.execute(
        "insert into posting (url, title, company, block, place, text) values (?, ?, ?, ?, ?, ?)",
        (
            posting["url"],
            posting["title"],
            posting["company"],
            company_key(posting["company"]),
            posting["place"],
            posting["text"],
        ),
    )


def find(database, posting, careful):
    """The id of the posting that this one is, or None."""
    row = database.execute("select id from posting where url = ?", (posting["url"],)).fetchone()
    if row:
        return row[0]
    block = company_key(posting["company"])
    candidates = database.execute("select id, title, place, text from posting where block = ?", (block,))
    for number, title, place, text in candidates.fetchall():
        if place != posting["place"]:
            continue
        alike = fuzz.token_set_ratio(title, posting["title"]) >= TITLE_ALIKE
        if careful and not alike:
            continue
        if fuzz.token_set_ratio(text, posting["text"]) >= TEXT_ALIKE and alike:
            return number
    return None


def take_in(known, new, careful):
    """Seconds for one new posting, and how many were recognised."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_catalogue(Path(folder) / "catalogue.db")
        for posting in known:
            database.execute("delete from posting where url = ?", (posting["url"],))
            insert(database, posting)
        database.commit()
        recognised = 0
        begun = time.perf_counter()
        for number, posting in enumerate(new):
            if find(database, posting, careful) is None:
                insert(database, posting)
            else:
                recognised += 1
            if number % COMMIT_EVERY == COMMIT_EVERY - 1:
                database.commit()
        database.commit()
        took = time.perf_counter() - begun
        database.close()
    return took / len(new), recognised


def score(postings):
    """Seconds for one posting: texts vectorised and scored, and scored alone."""
    texts = [posting["title"] + "\n" + posting["text"] for posting in postings]
    begun = time.perf_counter()
    vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True, ngram_range=(1, 2))
    matrix = vectorizer.fit_transform(texts)
    vectorised = time.perf_counter()
    scores = linear_kernel(vectorizer.transform([PROFILE]), matrix).ravel()
    ranked = scores.argsort()[::-1]
    ended = time.perf_counter()
    assert len(ranked) == len(postings)
    return (ended - begun) / len(postings), (ended - vectorised) / len(postings)


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    postings = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    known, new = postings[:count], postings[count:]
    ingest_plain, recognised_plain = take_in(known, new, careful=False)
    ingest_careful, recognised_careful = take_in(known, new, careful=True)
    whole, kept = score(postings)
    print(
        json.dumps(
            {
                "versions": f"Python {sys.version.split()[0]}, sqlite {sqlite3.sqlite_version}, "
                f"rapidfuzz {rapidfuzz.__version__}, scikit-learn {sklearn.__version__}",
                "ingest_plain": ingest_plain,
                "ingest_careful": ingest_careful,
                "recognised_plain": recognised_plain,
                "recognised_careful": recognised_careful,
                "score": whole,
                "score_kept": kept,
            }
        )
    )


main()
