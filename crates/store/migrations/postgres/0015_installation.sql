-- What belongs to the installation as a whole. `secret` tells the secret that rows are sealed with from another, so that a
-- program with the wrong one stops before it writes what nobody else can open.
create table installation (
    singleton bigint primary key default 1 check (singleton = 1),
    secret text
);
