-- Durable tasks. Times are microseconds since the epoch.
create table task (
    id text primary key not null,
    kind text not null,
    dedupe_key text,
    payload text not null,
    state text not null check (state in ('queued', 'running', 'waiting', 'completed', 'failed', 'cancelled')),
    priority integer not null,
    -- How often it was started; a task that continues after waiting for its children is not started again.
    attempt integer not null default 0,
    max_attempts integer not null,
    repeatable integer not null,
    run_at integer not null,
    -- Random at every claim: each later write of that claim names it, so a worker that lost its lease changes nothing.
    lease_token text,
    lease_until integer,
    worker text,
    parent_id text references task (id) on delete cascade,
    -- Children that this task waits for and that have not ended yet.
    pending_children integer not null default 0,
    trace_context text,
    stage text,
    progress real,
    result text,
    error text,
    created_at integer not null,
    started_at integer,
    finished_at integer,
    updated_at integer not null,
    check ((finished_at is null) = (state in ('queued', 'running', 'waiting')))
) strict;

-- One active task per kind and key (keys that are null never collide). Also counts the active tasks of a kind. The
-- condition is not written as states: PostgreSQL would then claim through this index and sort the whole queue.
create unique index task_active on task (kind, dedupe_key) where finished_at is null;
create index task_due on task (priority desc, run_at, id) where state = 'queued';
create index task_lease on task (lease_until) where state = 'running';
create index task_parent on task (parent_id) where parent_id is not null;
create index task_finished on task (finished_at) where finished_at is not null;

-- Which tasks wait for which: a child is awaited by whoever spawned it and by whoever asked for the same work meanwhile.
create table task_child (
    parent_id text not null references task (id) on delete cascade,
    child_id text not null references task (id) on delete cascade,
    fan_out text not null,
    position integer not null,
    finished integer not null default 0,
    primary key (parent_id, fan_out, position)
) strict, without rowid;
create index task_child_child on task_child (child_id);

-- Results of finished steps, reused when the task runs again.
create table task_step (
    task_id text not null references task (id) on delete cascade,
    name text not null,
    result text not null,
    finished_at integer not null,
    primary key (task_id, name)
) strict;

create table task_log (
    task_id text not null references task (id) on delete cascade,
    line integer not null,
    attempt integer not null,
    at integer not null,
    level text not null,
    message text not null,
    primary key (task_id, line)
) strict;

create table task_schedule (
    name text primary key not null,
    kind text not null,
    cron text not null,
    dedupe_key text,
    payload text not null,
    priority integer not null,
    next_at integer not null,
    last_at integer,
    last_task_id text,
    updated_at integer not null
) strict, without rowid;
create index task_schedule_due on task_schedule (next_at);
