-- What is kept about the course of a job after applying.
create table appointment (
    id text primary key not null,
    job integer not null references job (number) on delete cascade,
    kind text not null,
    title text not null,
    starts_at integer not null,
    ends_at integer not null,
    zone text not null,
    location text not null,
    notes text not null,
    updated_at integer not null
) strict, without rowid;

create index appointment_job on appointment (job);
create index appointment_start on appointment (starts_at);

create table contact (
    id text primary key not null,
    job integer not null references job (number) on delete cascade,
    name text not null,
    role text not null,
    email text not null,
    phone text not null,
    notes text not null,
    updated_at integer not null
) strict, without rowid;

create index contact_job on contact (job);

-- `automatic` ones were set by a move of the job and go with the next one.
create table reminder (
    id text primary key not null,
    job integer not null references job (number) on delete cascade,
    text text not null,
    due_at integer not null,
    done_at integer,
    automatic integer not null check (automatic in (0, 1)),
    updated_at integer not null
) strict, without rowid;

create index reminder_job on reminder (job);
create index reminder_due on reminder (due_at) where done_at is null;
