-- People, their sign-ins, and the sessions of their browsers.
-- Times are whole seconds since 1970-01-01T00:00:00Z.

CREATE TABLE people (
    tid             TEXT    NOT NULL, -- the tenant acted in (GUID), Entra's `tid`
    oid             TEXT    NOT NULL, -- the person's object id in that tenant, Entra's `oid`
    name            TEXT    NOT NULL, -- display name at the last sign-in
    username        TEXT    NOT NULL, -- user name at the last sign-in; for display, it can change
    home_tid        TEXT,             -- the tenant the account is at home in, where Entra tells
    login_hint      TEXT,             -- Entra's opaque hint to sign this account out without asking which one
    first_signed_in INTEGER NOT NULL, -- when the person was first seen
    last_signed_in  INTEGER NOT NULL, -- when the person last signed in
    PRIMARY KEY (tid, oid)
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    tid          TEXT    NOT NULL, -- the person's tenant
    oid          TEXT    NOT NULL, -- the person's object id
    sealed       BLOB    NOT NULL, -- the refresh token, encrypted with the vault's key
    generation   INTEGER NOT NULL, -- grows with every new refresh token, so that an older answer cannot replace a newer one
    signed_in_at INTEGER NOT NULL, -- when the person signed in interactively
    dies_at      INTEGER,          -- when Entra ends this and all refresh tokens made from it; null where use prolongs it
    ended_code   INTEGER,          -- the AADSTS number with which Entra ended it; null while it is good
    PRIMARY KEY (tid, oid),
    FOREIGN KEY (tid, oid) REFERENCES people (tid, oid) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id_hash   BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the cookie's value, so that the table opens no session
    sealed    BLOB    NOT NULL,             -- what the session holds, encrypted with the vault's key
    tid       TEXT,                         -- tenant of the person signed in; null before sign-in
    oid       TEXT,                         -- object id of the person signed in; null before sign-in
    last_used INTEGER NOT NULL              -- when a request last came with it, give or take some minutes
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_person ON sessions (tid, oid);
CREATE INDEX sessions_by_last_use ON sessions (last_used);
