-- The explanation of a score lies apart from the wide content, so that a full re-score writes narrow rows only. Earlier
-- explanations were in another form: their jobs are scored anew with the next run.
create table job_score (
    job integer primary key not null references job (number) on delete cascade,
    document blob not null
) strict;

alter table job_content drop column score_json;
update job set profile_version = null;
