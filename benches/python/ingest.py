"""Taking in postings and scoring them as a user of Python would write it: sqlite3, scikit-learn, rapidfuzz.

Usage: ingest.py POSTINGS.jsonl KNOWN

The first KNOWN postings are in the catalogue when the clock starts. Then, as a nightly run would do it: the stored
catalogue is read; those of the others whose address is known are passed over; all texts are vectorised by TF-IDF and
every newcomer is compared with every stored posting by cosine; where texts are alike, titles and employers are compared by
rapidfuzz and the towns must agree; what is new is inserted with its full-text index; and the new postings are scored for
one profile by cosine and ranked. Everything is done once with single words and once with pairs of words as terms. Prints
one JSON line; times are seconds for the whole.
"""

import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import numpy
import rapidfuzz
import sklearn
from rapidfuzz import fuzz, utils
from sklearn.feature_extraction.text import TfidfVectorizer

# Newcomers whose likeness to all stored postings is held at a time: the product of all would fill the memory.
ROWS_AT_ONCE = 500
TEXT_ALIKE = 0.7
TITLE_ALIKE = 85
COMPANY_ALIKE = 85
PROFILE = (
    "Backend engineer with eight years of Rust and Python, most of it on payment systems. Built the ledger of a payment "
    "company in Rust and PostgreSQL; ran it on Kubernetes. Data pipelines in Python and Airflow. gRPC, Docker, Linux."
)


def open_catalogue(path):
    database = sqlite3.connect(path)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = normal")
    database.execute(
        "create table posting (id integer primary key, url text unique, title text, company text, place text, "
        "text text, score real)"
    )
    database.execute("create table link (posting integer, url text)")
    database.execute("create virtual table posting_text using fts5 (title, company, text)")
    return database


def insert(database, postings):
    """Stores postings with their words; the ids are in the order given."""
    first = database.execute("select coalesce(max(id), 0) + 1 from posting").fetchone()[0]
    rows = [
        (first + number, posting["url"], posting["title"], posting["company"], posting["place"], posting["text"])
        for number, posting in enumerate(postings)
    ]
    database.executemany("insert into posting (id, url, title, company, place, text) values (?, ?, ?, ?, ?, ?)", rows)
    database.executemany(
        "insert into posting_text (rowid, title, company, text) values (?, ?, ?, ?)",
        [(id, title, company, text) for id, _, title, company, _, text in rows],
    )
    return [row[0] for row in rows]


def same(left, right):
    """Whether two postings whose texts are alike are one opening."""
    return (
        left["place"] == right["place"]
        and fuzz.token_set_ratio(left["title"], right["title"], processor=utils.default_process) >= TITLE_ALIKE
        and fuzz.token_set_ratio(left["company"], right["company"], processor=utils.default_process) >= COMPANY_ALIKE
    )


def run(known, new, ngrams):
    """Seconds of a run by step, and how many postings were recognised."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_catalogue(Path(folder) / "catalogue.db")
        insert(database, known)
        database.commit()
        begun = time.perf_counter()
        rows = database.execute("select id, url, title, company, place, text from posting").fetchall()
        stored = [
            {"id": id, "url": url, "title": title, "company": company, "place": place, "text": text}
            for id, url, title, company, place, text in rows
        ]
        urls = {posting["url"] for posting in stored}
        fresh = [posting for posting in new if posting["url"] not in urls]
        vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True, ngram_range=(1, ngrams), dtype=numpy.float32)
        matrix = vectorizer.fit_transform([posting["text"] for posting in stored + fresh])
        vectorised = time.perf_counter()
        stored_columns = matrix[: len(stored)].T
        matches = []
        for start in range(0, len(fresh), ROWS_AT_ONCE):
            rows = matrix[len(stored) + start : len(stored) + min(start + ROWS_AT_ONCE, len(fresh))]
            likeness = (rows @ stored_columns).tocsr()
            for number, posting in enumerate(fresh[start : start + ROWS_AT_ONCE]):
                row = likeness.getrow(number)
                alike = row.indices[row.data >= TEXT_ALIKE]
                matches.append(next((stored[other] for other in alike if same(stored[other], posting)), None))
        compared = time.perf_counter()
        added, rows_added = [], []
        for number, (posting, match) in enumerate(zip(fresh, matches)):
            if match is None:
                added.append(posting)
                rows_added.append(len(stored) + number)
            else:
                database.execute("insert into link values (?, ?)", (match["id"], posting["url"]))
        ids = insert(database, added)
        database.commit()
        stored_at = time.perf_counter()
        scores = (matrix[rows_added] @ vectorizer.transform([PROFILE]).T).toarray().ravel()
        pairs = [(float(score), id) for score, id in zip(scores, ids)]
        database.executemany("update posting set score = ? where id = ?", pairs)
        database.commit()
        ranked = sorted(pairs, reverse=True)
        ended = time.perf_counter()
        assert len(ranked) == len(added)
        database.close()
    return {
        "whole": ended - begun,
        "vectorise": vectorised - begun,
        "compare": compared - vectorised,
        "store": stored_at - compared,
        "score": ended - stored_at,
        "recognised": len(new) - len(added),
    }


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    postings = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    known, new = postings[:count], postings[count:]
    print(
        json.dumps(
            {
                "versions": f"Python {sys.version.split()[0]}, sqlite {sqlite3.sqlite_version}, "
                f"rapidfuzz {rapidfuzz.__version__}, scikit-learn {sklearn.__version__}",
                "words": run(known, new, ngrams=1),
                "pairs": run(known, new, ngrams=2),
            }
        )
    )


main()
