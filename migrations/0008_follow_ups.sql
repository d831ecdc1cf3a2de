-- How migrations hang together: one that follows up another takes up devices of that, by name.

-- The migration whose devices it takes up, and as what: migration::Relation. Null for one that was made with the form.
alter table migrations add column parent_id text references migrations (id);
alter table migrations add column relation text;

create index migrations_by_parent on migrations (parent_id);

-- The devices that a follow-up is about: it takes no others, whatever group they are in.
create table chosen_devices (
    migration_id text not null references migrations (id) on delete cascade,
    device_id text not null,
    primary key (migration_id, device_id)
) strict, without rowid;
