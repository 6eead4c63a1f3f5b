-- The tables of storage.sqlite's schema 3, for InnoDB. What MariaDB changes here it cannot take back, so every statement
-- may run again after a start that was cut short. Names that may be of any length are unique by their SHA-256. Names that
-- are part of a key are bytes, VARBINARY, so that they are compared and ordered as such, trailing blanks included.

-- One row. position is the largest position of any entry, applied_upto what Batch says.
CREATE TABLE IF NOT EXISTS progress (
  id BIGINT NOT NULL PRIMARY KEY,
  applied_upto BIGINT NOT NULL,
  position BIGINT NOT NULL
) ENGINE=InnoDB;
INSERT INTO progress (id, applied_upto, position) VALUES (1, 0, 0) ON DUPLICATE KEY UPDATE id = 1;

CREATE TABLE IF NOT EXISTS "user" (
  id BIGINT NOT NULL PRIMARY KEY,
  created BIGINT NOT NULL,
  handle LONGTEXT,
  uuid LONGTEXT,
  profile LONGTEXT NOT NULL,
  handle_key BINARY(32) GENERATED ALWAYS AS (UNHEX(SHA2(handle, 256))) STORED,
  uuid_key BINARY(32) GENERATED ALWAYS AS (UNHEX(SHA2(uuid, 256))) STORED,
  UNIQUE KEY user_handle (handle_key),
  UNIQUE KEY user_uuid (uuid_key)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS conversation (
  id BIGINT NOT NULL PRIMARY KEY,
  head BIGINT NOT NULL DEFAULT 0,
  last_id BIGINT NOT NULL DEFAULT 0,
  kind SMALLINT NOT NULL,
  low_id BIGINT,
  high_id BIGINT,
  owner_id BIGINT NOT NULL,
  join_rule SMALLINT NOT NULL,
  dissolved SMALLINT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  max_members BIGINT NOT NULL,
  handle LONGTEXT,
  uuid LONGTEXT,
  name LONGTEXT NOT NULL,
  description LONGTEXT NOT NULL,
  avatar LONGTEXT NOT NULL,
  topic LONGTEXT NOT NULL,
  handle_key BINARY(32) GENERATED ALWAYS AS (UNHEX(SHA2(handle, 256))) STORED,
  uuid_key BINARY(32) GENERATED ALWAYS AS (UNHEX(SHA2(uuid, 256))) STORED,
  UNIQUE KEY conversation_pair (low_id, high_id),
  UNIQUE KEY conversation_handle (handle_key),
  UNIQUE KEY conversation_uuid (uuid_key),
  KEY conversation_kind (kind)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS member (
  conversation_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  role SMALLINT NOT NULL,
  joined BIGINT NOT NULL,
  joined_seq BIGINT NOT NULL,
  muted_until BIGINT NOT NULL,
  muted_by BIGINT NOT NULL,
  muted_at BIGINT NOT NULL,
  has_left SMALLINT NOT NULL,
  PRIMARY KEY (conversation_id, user_id),
  KEY member_user (user_id)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS domain (
  id BIGINT NOT NULL PRIMARY KEY,
  name LONGTEXT NOT NULL,
  name_key BINARY(32) GENERATED ALWAYS AS (UNHEX(SHA2(name, 256))) STORED,
  UNIQUE KEY domain_name (name_key)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Append-only by id. The log's index answers ranges, counts without own messages and "the seq at a position" alone,
-- because InnoDB keeps the id in it.
CREATE TABLE IF NOT EXISTS message (
  id BIGINT NOT NULL PRIMARY KEY,
  conversation_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  sender_id BIGINT NOT NULL,
  domain_id BIGINT NOT NULL,
  recalled BIGINT,
  recalled_by BIGINT,
  content LONGTEXT NOT NULL,
  extras LONGTEXT,
  UNIQUE KEY message_log (conversation_id, seq, sender_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Recalled ones are few. In place of the partial indexes that other databases have.
CREATE TABLE IF NOT EXISTS recalled_message (
  conversation_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  sender_id BIGINT NOT NULL,
  PRIMARY KEY (conversation_id, seq, sender_id)
) ENGINE=InnoDB;

-- How many messages each sender has in each 256 seqs of a log, written when the last of them is. Counts of what others
-- wrote take off what is somebody's own, and need not look at each message for that.
CREATE TABLE IF NOT EXISTS sent_count (
  conversation_id BIGINT NOT NULL,
  sender_id BIGINT NOT NULL,
  upto BIGINT NOT NULL,
  sent INTEGER NOT NULL,
  PRIMARY KEY (conversation_id, sender_id, upto)
) ENGINE=InnoDB;

-- Client ids, forgotten by age, which is their order.
CREATE TABLE IF NOT EXISTS client_message (
  message_id BIGINT NOT NULL PRIMARY KEY,
  sender_id BIGINT NOT NULL,
  hash0 BIGINT NOT NULL,
  hash1 BIGINT NOT NULL,
  digest BIGINT NOT NULL,
  UNIQUE KEY client_message_key (sender_id, hash0, hash1)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS "change" (
  position BIGINT NOT NULL PRIMARY KEY,
  conversation_id BIGINT NOT NULL,
  kind SMALLINT NOT NULL,
  actor_id BIGINT NOT NULL,
  subject_id BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  role SMALLINT NOT NULL,
  note LONGTEXT,
  KEY change_log (conversation_id, position)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS mark (
  user_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  name VARBINARY(255) NOT NULL,
  intervals LONGBLOB NOT NULL,
  PRIMARY KEY (user_id, conversation_id, name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS follower (
  name VARBINARY(255) NOT NULL PRIMARY KEY,
  position BIGINT NOT NULL
) ENGINE=InnoDB;

-- What plugins keep of their own.
CREATE TABLE IF NOT EXISTS key_value (
  space VARBINARY(255) NOT NULL,
  "key" VARBINARY(2800) NOT NULL,
  value LONGTEXT NOT NULL,
  PRIMARY KEY (space, "key")
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row for each attempt to push, under the name and with the columns that contract 000 gives it.
CREATE TABLE IF NOT EXISTS push_log (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id VARCHAR(50) NOT NULL,
  message_id BIGINT NOT NULL,
  push_type VARCHAR(20),
  push_status VARCHAR(20),
  push_time TIMESTAMP NULL,
  error_msg TEXT,
  created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The intervals of marks as rows; at is milliseconds since 1970, NULL where the time of the act is not kept.
CREATE OR REPLACE VIEW mark_run AS
SELECT k.user_id, k.conversation_id, CONVERT(k.name USING utf8mb4) AS name, i.low, i.high, i."at"
FROM mark k, JSON_TABLE(
  CASE WHEN JSON_VALID(CONVERT(k.intervals USING utf8mb4)) THEN CONVERT(k.intervals USING utf8mb4) ELSE '{}' END,
  '$.set[*]' COLUMNS (low BIGINT PATH '$[0]', high BIGINT PATH '$[1]', "at" BIGINT PATH '$[2]')) i;

-- Contract 000's table of that name: what others wrote to a member, and whether the member's NetherLink clients have it.
-- Kinds are those of ConversationKind. Of a broadcast every user is a member from the time the user was made.
CREATE OR REPLACE VIEW offline_message_index AS
SELECT
  e.message_id AS id,
  e.user_id,
  e.message_id,
  e.conversation_id,
  TIMESTAMPADD(SECOND, 1735689600 + (e.message_id >> 12) DIV 1000, TIMESTAMP'1970-01-01 00:00:00') AS created_at,
  EXISTS (SELECT 1 FROM mark_run r WHERE r.user_id = e.reader AND r.conversation_id = e.log
    AND r.name IN ('netherlink.synced', 'read') AND e.seq BETWEEN r.low AND r.high) AS synced,
  (SELECT TIMESTAMPADD(SECOND, MIN(r."at") DIV 1000, TIMESTAMP'1970-01-01 00:00:00') FROM mark_run r
    WHERE r.user_id = e.reader AND r.conversation_id = e.log
    AND r.name IN ('netherlink.synced', 'read') AND e.seq BETWEEN r.low AND r.high) AS synced_at
FROM (
  SELECT b.user_id AS reader, b.conversation_id AS log, m.id AS message_id, m.seq, u.handle AS user_id,
    CASE c.kind
      WHEN 0 THEN (SELECT CONCAT(MIN(p.handle), '_', MAX(p.handle)) FROM "user" p WHERE p.id IN (c.low_id, c.high_id))
      WHEN 1 THEN CONCAT('group_', c.id)
      ELSE c.handle
    END AS conversation_id
  FROM member b
  JOIN "user" u ON u.id = b.user_id
  JOIN conversation c ON c.id = b.conversation_id
  JOIN message m ON m.conversation_id = b.conversation_id AND m.seq > b.joined_seq
  WHERE b.has_left = 0 AND c.kind <> 3 AND m.sender_id <> b.user_id AND m.recalled IS NULL
  UNION ALL
  SELECT u.id, c.id, m.id, m.seq, u.handle, c.handle
  FROM conversation c
  CROSS JOIN "user" u
  JOIN message m ON m.conversation_id = c.id
  WHERE c.kind = 3 AND m.sender_id <> u.id AND m.recalled IS NULL
    AND m.id >= (u.created - 1735689600000) * 4096
) e
WHERE NOT EXISTS (SELECT 1 FROM mark_run r WHERE r.user_id = e.reader AND r.conversation_id = e.log
  AND r.name IN ('hidden', 'netherlink.cleared') AND e.seq BETWEEN r.low AND r.high);
