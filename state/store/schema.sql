-- Everything that exists. A resource is one JSON document in the API's own shape; every value that
-- can be filtered by stands once more in `attribute`. Documents live in an ordinary rowid table:
-- without rowid, every scan would read them.

-- One kind in one account and region. `n` is kept by the triggers below, so that TotalCount costs nothing.
create table partition (
  part integer primary key,
  kind text not null,
  account text not null,
  region text not null,
  n integer not null default 0,
  unique (kind, account, region)
);

create table resource (
  rid integer primary key autoincrement,
  part integer not null,
  id text not null unique,
  doc text not null,
  hidden text not null
);
-- (part, rid): the newest come first without a sort.
create index resource_part on resource (part);
create trigger resource_added after insert on resource begin
  update partition set n = n + 1 where part = new.part;
end;
create trigger resource_erased after delete on resource begin
  update partition set n = n - 1 where part = old.part;
end;

-- `name` is the position of the attribute in its kind; meta.attributes tells when it must be rebuilt.
create table attribute (
  part integer not null,
  name integer not null,
  value text not null,
  rid integer not null,
  primary key (part, name, value, rid)
) without rowid;

-- The same for values that an operation under way is going to give.
create table pending (
  part integer not null,
  name integer not null,
  value text not null,
  rid integer not null,
  primary key (part, name, value, rid)
) without rowid;
create index pending_rid on pending (rid);

-- Resources that other accounts (by uin) may see.
create table access_grant (
  account text not null,
  rid integer not null,
  primary key (account, rid)
) without rowid;
create index access_grant_rid on access_grant (rid);

-- What will happen. `due` is simulated time in ms. `step` names the lifecycle step that ends then
-- (operation = 1, or 2 if a fault decides how: by `patch` alone), or begins then (0: a timer).
create table transition (
  seq integer primary key autoincrement,
  account text not null,
  due integer not null,
  id text not null,
  operation integer not null,
  step text not null,
  request_id text not null,
  patch text not null
);
create index transition_due on transition (account, due, seq);
create index transition_id on transition (id);

-- Replies to remember for ClientToken.
create table token (
  account text not null,
  region text not null,
  action text not null,
  token text not null,
  digest text not null,
  reply text not null,
  expires integer not null,
  primary key (account, region, action, token)
) without rowid;
-- Each account's by its own clock.
create index token_expires on token (account, expires);

-- `counter` numbers what the account has made, so that two accounts in one server cannot change
-- each other's ids; `clock` is its own simulated time, empty if it follows the common one.
create table account (
  account text primary key,
  counter integer not null default 0,
  clock text not null default ''
) without rowid;

-- Fault rules in their order: what testers gave (`rule`, one JSON object), and what each call that a
-- rule is about changes. `requests` is a JSON list.
create table fault (
  position integer primary key,
  id text not null unique,
  rule text not null,
  matched integer not null,
  used integer not null,
  fired integer not null,
  requests text not null
);

-- Settings, one JSON value each; besides `schema`, `seed`, `starts` and `attributes`.
create table meta (
  key text primary key,
  value text not null
) without rowid;
