-- What devices that present a certificate of their own need: the certificates that people supply, because no service gives
-- them back.

-- DER, by SHA-1. Ids are compared without regard to case, as DPS compares registration ids.
create table device_certificates (
    migration_id text not null references migrations (id) on delete cascade,
    device_id text not null collate nocase,
    thumbprint text not null,
    der blob not null,
    primary key (migration_id, device_id, thumbprint)
) strict, without rowid;
