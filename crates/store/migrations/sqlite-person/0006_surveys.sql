-- Surveys of employers with suggested answers.
create table survey (
    id text primary key not null,
    job integer not null references job (number) on delete cascade,
    name text not null,
    mode text not null,
    state text not null,
    from_screenshot integer not null check (from_screenshot in (0, 1)),
    questions text not null,
    answers text not null,
    answered_by text not null,
    problem text not null,
    reported_score text not null,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;

create index survey_job on survey (job, created_at);

-- Screenshots lie apart, so that a list of surveys reads no pictures.
create table survey_screenshot (
    survey text primary key not null references survey (id) on delete cascade,
    content blob not null
) strict;
