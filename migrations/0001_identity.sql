-- People, their sign-ins, and the sessions of their browsers.
-- All times are nanoseconds since 1970 in UTC.

create table people (
    tid             text    not null, -- the tenant acted in (GUID), Entra's `tid`
    oid             text    not null, -- the person's object id in that tenant, Entra's `oid`
    name            text    not null, -- display name at the last sign-in
    username        text    not null, -- user name at the last sign-in; for display, it can change
    home_tid        text,             -- the tenant the account is at home in, where Entra tells
    login_hint      text,             -- Entra's opaque hint to sign this account out without asking which one
    first_signed_in integer not null, -- when the person was first seen
    last_signed_in  integer not null, -- when the person last signed in
    primary key (tid, oid)
) strict, without rowid;

create table grants (
    tid          text    not null, -- the person's tenant
    oid          text    not null, -- the person's object id
    sealed       blob    not null, -- the refresh token, encrypted with the vault's key
    generation   integer not null, -- grows with every new refresh token, so that an older answer cannot replace a newer one
    signed_in_at integer not null, -- when the person signed in interactively
    dies_at      integer,          -- when Entra ends this and all refresh tokens made from it; null where use prolongs it
    ended_code   integer,          -- the AADSTS number with which Entra ended it; null while it is good
    primary key (tid, oid),
    foreign key (tid, oid) references people (tid, oid) on delete cascade
) strict, without rowid;

create table sessions (
    id_hash   blob    not null primary key, -- SHA-256 of the cookie's value, so that the table opens no session
    sealed    blob    not null,             -- what the session holds, encrypted with the vault's key
    tid       text,                         -- tenant of the person signed in; null before sign-in
    oid       text,                         -- object id of the person signed in; null before sign-in
    last_used integer not null              -- when a request last came with it, give or take some minutes
) strict, without rowid;

create index sessions_by_person on sessions (tid, oid);
create index sessions_by_last_use on sessions (last_used);
