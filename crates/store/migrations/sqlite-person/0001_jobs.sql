-- One person's profile, searches, runs and jobs.
-- Ids are hyphenated lower-case UUIDs, times are microseconds since 1970 in UTC.

create table profile (
    singleton integer not null default 1 unique check (singleton = 1),
    document text not null,
    version integer not null,
    updated_at integer not null
) strict;

create table search_profile (
    id text primary key not null,
    name text not null unique,
    position integer not null,
    document text not null,
    version integer not null,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;

create table run (
    id text primary key not null,
    search_profile_id text,
    task_id text,
    state text not null,
    requested_at integer not null,
    started_at integer,
    finished_at integer,
    fetched integer not null default 0,
    new_postings integer not null default 0,
    known_postings integer not null default 0,
    new_jobs integer not null default 0,
    reason text
) strict, without rowid;

create index run_requested on run (requested_at, id);
create index run_task on run (task_id) where task_id is not null;

create table run_source (
    run_id text not null references run (id) on delete cascade,
    source text not null,
    state text not null,
    stage text,
    fetched integer not null default 0,
    dropped integer not null default 0,
    filtered integer not null default 0,
    new_postings integer not null default 0,
    known_postings integer not null default 0,
    new_jobs integer not null default 0,
    not_modified integer not null default 0 check (not_modified in (0, 1)),
    attempts integer not null default 0,
    reason text,
    started_at integer,
    finished_at integer,
    primary key (run_id, source)
) strict, without rowid;

create table job (
    number integer primary key not null,
    id text not null unique,
    posting_id text not null unique,
    status text not null,
    title text not null,
    company text not null,
    source text not null,
    url text not null,
    remote_kind text not null,
    posted_at integer,
    score real,
    classic real,
    basis text,
    profile_version integer,
    surfaced_by text,
    search_profile_id text,
    rejection_stage text,
    joined_into text,
    version integer not null default 1,
    created_at integer not null,
    updated_at integer not null
) strict;

-- Serves counts by status and the review queue, best first.
create index job_status_score on job (status, coalesce(score, -1.0) desc, number desc);

-- Wide values lie apart, so that a list of ten thousand jobs reads narrow rows only.
create table job_content (
    job integer primary key not null references job (number) on delete cascade,
    snapshot text not null,
    score_json text,
    notes text not null default ''
) strict;

create virtual table job_text using fts5 (
    title, company, description,
    content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
);

create trigger job_content_inserted after insert on job_content begin
    insert into job_text (rowid, title, company, description) values (
        new.job,
        new.snapshot ->> '$.posting.title',
        new.snapshot ->> '$.posting.company',
        new.snapshot ->> '$.posting.description_text'
    );
end;

create trigger job_content_updated after update of snapshot on job_content begin
    update job_text set
        title = new.snapshot ->> '$.posting.title',
        company = new.snapshot ->> '$.posting.company',
        description = new.snapshot ->> '$.posting.description_text'
    where rowid = new.job;
end;

create trigger job_content_deleted after delete on job_content begin
    delete from job_text where rowid = old.job;
end;

create table job_history (
    job integer not null references job (number) on delete cascade,
    sequence integer not null,
    from_status text not null,
    to_status text not null,
    from_rejection_stage text,
    at integer not null,
    reverted integer not null default 0 check (reverted in (0, 1)),
    primary key (job, sequence)
) strict, without rowid;

create index job_history_decision on job_history (from_status, to_status);

-- What was purged stays away: a posting named here never becomes a job again.
create table purged_posting (
    posting_id text primary key not null,
    purged_at integer not null
) strict, without rowid;

-- Two postings, the smaller id first, about which the person said that they are the same opening or not.
create table pair_decision (
    left_posting text not null,
    right_posting text not null,
    same integer not null check (same in (0, 1)),
    decided_at integer not null,
    primary key (left_posting, right_posting)
) strict, without rowid;

create index pair_decision_right on pair_decision (right_posting);

create table possible_duplicate (
    left_posting text not null,
    right_posting text not null,
    likeness real not null,
    reason text not null,
    found_at integer not null,
    primary key (left_posting, right_posting)
) strict, without rowid;

create index possible_duplicate_right on possible_duplicate (right_posting);
