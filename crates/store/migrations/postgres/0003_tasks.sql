-- Durable tasks of everybody. People see their own rows; workers may look through all of them for due work, and
-- write only in the scope of the person that a task belongs to.
create table task (
    id uuid primary key,
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    kind text not null,
    dedupe_key text,
    payload text not null,
    state text not null check (state in ('queued', 'running', 'waiting', 'completed', 'failed', 'cancelled')),
    priority bigint not null,
    -- How often it was started; a task that continues after waiting for its children is not started again.
    attempt bigint not null default 0,
    max_attempts bigint not null,
    repeatable boolean not null,
    run_at timestamptz not null,
    -- Random at every claim: each later write of that claim names it, so a worker that lost its lease changes nothing.
    lease_token uuid,
    lease_until timestamptz,
    worker text,
    parent_id uuid references task (id) on delete cascade,
    -- Children that this task waits for and that have not ended yet.
    pending_children bigint not null default 0,
    trace_context text,
    stage text,
    progress double precision,
    result text,
    error text,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    updated_at timestamptz not null,
    check ((finished_at is null) = (state in ('queued', 'running', 'waiting')))
);

-- One active task per kind and key (keys that are null never collide). Also counts the active tasks of a kind. The
-- condition is not written as states: PostgreSQL would then claim through this index and sort the whole queue.
create unique index task_active on task (tenant_id, kind, dedupe_key) where finished_at is null;
create index task_due on task (tenant_id, priority desc, run_at, id) where state = 'queued';
create index task_lease on task (tenant_id, lease_until) where state = 'running';
create index task_parent on task (parent_id) where parent_id is not null;
create index task_finished on task (tenant_id, finished_at) where finished_at is not null;

-- Which tasks wait for which: a child is awaited by whoever spawned it and by whoever asked for the same work meanwhile.
create table task_child (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    parent_id uuid not null references task (id) on delete cascade,
    child_id uuid not null references task (id) on delete cascade,
    fan_out text not null,
    position bigint not null,
    finished boolean not null default false,
    primary key (parent_id, fan_out, position)
);
create index task_child_child on task_child (child_id);

-- Results of finished steps, reused when the task runs again.
create table task_step (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    task_id uuid not null references task (id) on delete cascade,
    name text not null,
    result text not null,
    finished_at timestamptz not null,
    primary key (task_id, name)
);

create table task_log (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    task_id uuid not null references task (id) on delete cascade,
    line bigint not null,
    attempt bigint not null,
    at timestamptz not null,
    level text not null,
    message text not null,
    primary key (task_id, line)
);

create table task_schedule (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    name text not null,
    kind text not null,
    cron text not null,
    dedupe_key text,
    payload text not null,
    priority bigint not null,
    next_at timestamptz not null,
    last_at timestamptz,
    last_task_id uuid,
    updated_at timestamptz not null,
    primary key (tenant_id, name)
);
create index task_schedule_due on task_schedule (tenant_id, next_at);
create index task_list on task (tenant_id, id);

-- Forced: the owner of the tables, as whom the services connect, is not exempt.
alter table task enable row level security;
alter table task force row level security;
create policy task_tenant on task using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create policy task_worker on task for select using (current_setting('aerie.worker', true) = 'on');
alter table task_child enable row level security;
alter table task_child force row level security;
create policy task_child_tenant on task_child using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
alter table task_step enable row level security;
alter table task_step force row level security;
create policy task_step_tenant on task_step using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
alter table task_log enable row level security;
alter table task_log force row level security;
create policy task_log_tenant on task_log using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
alter table task_schedule enable row level security;
alter table task_schedule force row level security;
create policy task_schedule_tenant on task_schedule using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create policy task_schedule_worker on task_schedule for select using (current_setting('aerie.worker', true) = 'on');
