-- Everybody's profile, searches, runs and jobs. `tenant_id` is the person; it is filled from the transaction's scope,
-- and row-level security, forced also for the owner of the tables, shows and takes no other.

create table profile (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    singleton bigint not null default 1 check (singleton = 1),
    document text not null,
    version bigint not null,
    updated_at timestamptz not null,
    primary key (tenant_id, singleton)
);

create table search_profile (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    name text not null,
    position bigint not null,
    document text not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, name)
);

create table run (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    search_profile_id uuid,
    task_id uuid,
    state text not null,
    requested_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    fetched bigint not null default 0,
    new_postings bigint not null default 0,
    known_postings bigint not null default 0,
    new_jobs bigint not null default 0,
    reason text,
    primary key (tenant_id, id)
);

create index run_requested on run (tenant_id, requested_at, id);
create index run_task on run (tenant_id, task_id) where task_id is not null;

create table run_source (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    run_id uuid not null,
    source text not null,
    state text not null,
    stage text,
    fetched bigint not null default 0,
    dropped bigint not null default 0,
    filtered bigint not null default 0,
    new_postings bigint not null default 0,
    known_postings bigint not null default 0,
    new_jobs bigint not null default 0,
    not_modified boolean not null default false,
    attempts bigint not null default 0,
    reason text,
    started_at timestamptz,
    finished_at timestamptz,
    primary key (tenant_id, run_id, source),
    foreign key (tenant_id, run_id) references run (tenant_id, id) on delete cascade
);

create table job (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    number bigint not null generated always as identity,
    id uuid not null,
    posting_id uuid not null,
    status text not null,
    title text not null,
    company text not null,
    source text not null,
    url text not null,
    remote_kind text not null,
    posted_at timestamptz,
    score double precision,
    classic double precision,
    basis text,
    profile_version bigint,
    surfaced_by text,
    search_profile_id uuid,
    rejection_stage text,
    joined_into uuid,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, number),
    unique (tenant_id, id),
    unique (tenant_id, posting_id)
);

-- Serves counts by status and the review queue, best first.
create index job_status_score on job (tenant_id, status, coalesce(score, -1.0) desc, number desc);

-- Wide values lie apart, so that a list of ten thousand jobs reads narrow rows only. The words of `words` are cut at
-- every sign of punctuation, as SQLite's full-text index does it.
create table job_content (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    job bigint not null,
    snapshot text not null,
    score_json text,
    notes text not null default '',
    words tsvector not null generated always as (
        to_tsvector('simple', translate(
            left(
                coalesce(snapshot::json #>> '{posting,title}', '') || ' ' ||
                coalesce(snapshot::json #>> '{posting,company}', '') || ' ' ||
                coalesce(snapshot::json #>> '{posting,description_text}', ''),
                200000),
            '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32)))
    ) stored,
    primary key (tenant_id, job),
    foreign key (tenant_id, job) references job (tenant_id, number) on delete cascade
);

create index job_content_words on job_content using gin (words);

create table job_history (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    job bigint not null,
    sequence bigint not null,
    from_status text not null,
    to_status text not null,
    from_rejection_stage text,
    at timestamptz not null,
    reverted boolean not null default false,
    primary key (tenant_id, job, sequence),
    foreign key (tenant_id, job) references job (tenant_id, number) on delete cascade
);

create index job_history_decision on job_history (tenant_id, from_status, to_status);

-- What was purged stays away: a posting named here never becomes a job again.
create table purged_posting (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    posting_id uuid not null,
    purged_at timestamptz not null,
    primary key (tenant_id, posting_id)
);

-- Two postings, the smaller id first, about which the person said that they are the same opening or not.
create table pair_decision (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    left_posting uuid not null,
    right_posting uuid not null,
    same boolean not null,
    decided_at timestamptz not null,
    primary key (tenant_id, left_posting, right_posting)
);

create index pair_decision_right on pair_decision (tenant_id, right_posting);

create table possible_duplicate (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    left_posting uuid not null,
    right_posting uuid not null,
    likeness double precision not null,
    reason text not null,
    found_at timestamptz not null,
    primary key (tenant_id, left_posting, right_posting)
);

create index possible_duplicate_right on possible_duplicate (tenant_id, right_posting);

do $$
declare
    person_table text;
begin
    foreach person_table in array array[
        'profile', 'search_profile', 'run', 'run_source', 'job', 'job_content', 'job_history', 'purged_posting',
        'pair_decision', 'possible_duplicate'
    ] loop
        execute format('alter table %I enable row level security', person_table);
        execute format('alter table %I force row level security', person_table);
        execute format(
            'create policy own_rows on %I using (tenant_id = nullif(current_setting(''aerie.tenant_id'', true), '''')::uuid)',
            person_table);
    end loop;
end
$$;
