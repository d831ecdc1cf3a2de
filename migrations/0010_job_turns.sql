-- IoT Central runs five jobs at once in an application: which of ours have one of these places, and which wait for one.
alter table jobs add column app text;          -- subdomain of the application, in lower case
alter table jobs add column asked_at integer;  -- when it was last told that there is no place for it
alter table jobs add column place_at integer;  -- since when it has one; free once its migration is not at work any more

update jobs set app = (select lower(json_extract(plan, '$.source.subdomain')) from migrations where id = migration_id);

create index jobs_by_app on jobs (app) where state <> 'ended';
