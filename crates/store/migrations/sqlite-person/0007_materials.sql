-- The résumé as it was read and corrected, and the text it came from: one a person.
create table resume (
    singleton integer not null default 1 unique check (singleton = 1),
    format text not null,
    file_name text not null,
    source_text text not null,
    document text not null,
    updated_at integer not null
) strict;

-- How the person's letters are written.
create table writing (
    singleton integer not null default 1 unique check (singleton = 1),
    document text not null,
    updated_at integer not null
) strict;

-- What is made for a job: a letter, a tailored résumé, an answer, a brief on the employer, practice for a talk.
create table material (
    id text primary key not null,
    job integer not null references job (number) on delete cascade,
    kind text not null,
    state text not null,
    document text not null,
    written_by text not null,
    problem text not null,
    chosen integer not null,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;

create index material_job on material (job, kind, created_at);

-- A picture that a task is to read; it goes with the task.
create table picture (
    id text primary key not null,
    content blob not null,
    created_at integer not null
) strict, without rowid;

-- Earlier texts of a material stay.
create table material_version (
    material text not null references material (id) on delete cascade,
    number integer not null,
    document text not null,
    written_by text not null,
    note text not null,
    created_at integer not null,
    primary key (material, number)
) strict, without rowid;
