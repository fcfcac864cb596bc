-- Text that a running task is writing, as far as it has come: overwritten as it grows, gone when the run ends.
alter table task add column draft text;
