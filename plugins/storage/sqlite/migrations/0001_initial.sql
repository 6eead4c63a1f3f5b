-- Integer keys everywhere, narrow rows, times in milliseconds. INTEGER PRIMARY KEY is SQLite's own row number,
-- so that such a table is kept in the order of its ids. Everything else that is 64 bits wide is BIGINT.

CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- One row. position is the largest position of any entry, applied_upto what Batch says.
CREATE TABLE progress (
  id INTEGER PRIMARY KEY,
  applied_upto BIGINT NOT NULL,
  position BIGINT NOT NULL
);
INSERT INTO progress (id, applied_upto, position) VALUES (1, 0, 0);

CREATE TABLE "user" (
  id INTEGER PRIMARY KEY,
  handle TEXT,
  uuid TEXT,
  created BIGINT NOT NULL
);
CREATE UNIQUE INDEX user_handle ON "user" (handle);
CREATE UNIQUE INDEX user_uuid ON "user" (uuid);

-- head and last_id come first, because they are what changes.
CREATE TABLE conversation (
  id INTEGER PRIMARY KEY,
  head BIGINT NOT NULL DEFAULT 0,
  last_id BIGINT NOT NULL DEFAULT 0,
  kind SMALLINT NOT NULL,
  low_id BIGINT,
  high_id BIGINT,
  handle TEXT,
  uuid TEXT,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  avatar TEXT NOT NULL,
  owner_id BIGINT NOT NULL,
  join_rule SMALLINT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL
);
CREATE UNIQUE INDEX conversation_pair ON conversation (low_id, high_id) WHERE low_id IS NOT NULL;
CREATE UNIQUE INDEX conversation_handle ON conversation (handle) WHERE handle IS NOT NULL;
CREATE UNIQUE INDEX conversation_uuid ON conversation (uuid) WHERE uuid IS NOT NULL;

CREATE TABLE member (
  conversation_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  role SMALLINT NOT NULL,
  joined BIGINT NOT NULL,
  joined_seq BIGINT NOT NULL,
  muted_until BIGINT NOT NULL,
  has_left SMALLINT NOT NULL,
  PRIMARY KEY (conversation_id, user_id)
) WITHOUT ROWID;
CREATE INDEX member_user ON member (user_id);

CREATE TABLE domain (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

-- Append-only by id. The one unique index answers ranges, counts without own messages and "the seq at a position"
-- without a look at the table, because SQLite keeps the id in it. Recalled ones are few; the partial index holds them.
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  conversation_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  sender_id BIGINT NOT NULL,
  domain_id BIGINT NOT NULL,
  content TEXT NOT NULL,
  recalled BIGINT,
  recalled_by BIGINT
);
CREATE UNIQUE INDEX message_log ON message (conversation_id, seq, sender_id);
CREATE INDEX message_recalled ON message (conversation_id, seq, sender_id, recalled) WHERE recalled IS NOT NULL;

-- Client ids, forgotten by age, which is their order. The unique index begins with the sender, so that inserts of an
-- active sender stay close together.
CREATE TABLE client_message (
  message_id INTEGER PRIMARY KEY,
  sender_id BIGINT NOT NULL,
  hash0 BIGINT NOT NULL,
  hash1 BIGINT NOT NULL,
  digest BIGINT NOT NULL
);
CREATE UNIQUE INDEX client_message_key ON client_message (sender_id, hash0, hash1);

CREATE TABLE change (
  position INTEGER PRIMARY KEY,
  conversation_id BIGINT NOT NULL,
  kind SMALLINT NOT NULL,
  actor_id BIGINT NOT NULL,
  subject_id BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  role SMALLINT NOT NULL
);
CREATE INDEX change_log ON change (conversation_id, position);

CREATE TABLE mark (
  user_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  intervals BLOB NOT NULL,
  PRIMARY KEY (user_id, conversation_id, name)
) WITHOUT ROWID;

CREATE TABLE follower (
  name TEXT PRIMARY KEY,
  position BIGINT NOT NULL
) WITHOUT ROWID;
