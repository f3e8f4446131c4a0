-- Everything that exists. A resource is one JSON document in the API's own shape. Documents live in
-- ordinary rowid tables: new ones are appended, and nothing but the row itself has to be written.

-- One kind in one account and region.
create table partition (
  part integer primary key,
  kind text not null,
  account text not null,
  region text not null,
  unique (kind, account, region)
);

-- No two have the same id: the index in memory sees to it. `sum` tells whether both texts are what
-- was written.
create table resource (
  rid integer primary key autoincrement,
  part integer not null,
  id text not null,
  sum integer not null,
  doc text not null,
  hidden text not null
);

-- What finds a resource, from which the index in memory is made when the program starts: 16 bytes for
-- its id and for each value that filters can ask for. meta.attributes tells when they mean something else.
create table keys (
  rid integer primary key,
  part integer not null,
  keys blob not null
);

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
