-- What moves into an IoT Central application need, and what tells a job that was deleted from one that is not shown.

-- At how many looks in a row IoT Central has not shown the job that it accepted.
alter table jobs add column missing_looks integer not null default 0;
