-- People whose account was deleted: what is still to be removed of them, and from when on somebody with the same subject may
-- begin anew. The row of an account goes in the transaction that adds the row here.
create table deletion (
    person text primary key not null,
    -- SHA-256 of the subject at the identity provider.
    subject_hash blob,
    requested_at integer not null,
    -- When everything that was found had been removed; looked at once more later.
    swept_at integer,
    finished_at integer
) strict, without rowid;

create index deletion_subject on deletion (subject_hash, requested_at) where subject_hash is not null;
