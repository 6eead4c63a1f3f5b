-- What further contracts know of users, conversations, members, messages and changes. Empty texts of the tables that
-- grow without end are NULL, which costs a byte.

ALTER TABLE "user" ADD COLUMN profile TEXT NOT NULL DEFAULT '';
ALTER TABLE conversation ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE conversation ADD COLUMN max_members BIGINT NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN dissolved SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN muted_by BIGINT NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN muted_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN extras TEXT;
ALTER TABLE change ADD COLUMN note TEXT;

-- Broadcast conversations, of which there are few. 3 is ConversationKind.
CREATE INDEX conversation_broadcast ON conversation (kind) WHERE kind = 3;

-- What plugins keep of their own.
CREATE TABLE key_value (
  space TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (space, key)
);

-- One row for each attempt to push, under the name and with the columns that contract 000 gives it.
CREATE TABLE push_log (
  id INTEGER PRIMARY KEY,
  user_id VARCHAR(50) NOT NULL,
  message_id BIGINT NOT NULL,
  push_type VARCHAR(20),
  push_status VARCHAR(20),
  push_time TIMESTAMP NULL,
  error_msg TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);


-- Marks were bytes: numbers of seven bits a byte, the least significant first. The first two are newest and reached,
-- then come three for each interval: its distance from the one before, its length, and a zigzag difference of times.
-- From here on they are JSON, which the view below can read (docs/adr/0016).
UPDATE mark SET intervals = coalesce((
  WITH RECURSIVE
    byte(place, value) AS (
      SELECT 0, NULL
      UNION ALL
      SELECT place + 1, instr('0123456789ABCDEF', substr(hex(substr(mark.intervals, place + 1, 1)), 1, 1)) * 16
        + instr('0123456789ABCDEF', substr(hex(substr(mark.intervals, place + 1, 1)), 2, 1)) - 17
      FROM byte WHERE place < length(mark.intervals)
    ),
    placed(place, value, ordinal) AS (
      SELECT place, value, coalesce(sum(value < 128) OVER (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING
        AND 1 PRECEDING), 0)
      FROM byte WHERE place > 0
    ),
    shifted(ordinal, bits) AS (
      SELECT ordinal, (value & 127) << (7 * (row_number() OVER (PARTITION BY ordinal ORDER BY place) - 1)) FROM placed
    ),
    number(ordinal, value) AS (SELECT ordinal, sum(bits) FROM shifted GROUP BY ordinal),
    triple(n, distance, length, difference) AS (
      SELECT (ordinal - 2) / 3,
        max(CASE ordinal % 3 WHEN 2 THEN value END),
        max(CASE ordinal % 3 WHEN 0 THEN value END),
        max(CASE ordinal % 3 WHEN 1 THEN CASE WHEN value & 1 THEN ~(value >> 1) ELSE value >> 1 END END)
      FROM number WHERE ordinal >= 2 GROUP BY 1
    ),
    run(n, high, length, time) AS (
      SELECT n, sum(distance + length) OVER (ORDER BY n), length, sum(difference) OVER (ORDER BY n) FROM triple
    )
  SELECT CAST(json_object(
    'newest', (SELECT value FROM number WHERE ordinal = 0),
    'reached', (SELECT value FROM number WHERE ordinal = 1),
    'set', (SELECT json_group_array(CASE time WHEN 0 THEN json_array(high - length, high)
      ELSE json_array(high - length, high, time) END) FROM (SELECT * FROM run ORDER BY n))) AS BLOB)
  WHERE (SELECT count(*) FROM number) % 3 = 2
), intervals);

-- The intervals of marks as rows; at is milliseconds since 1970, NULL where the time of the act is not kept.
CREATE VIEW mark_run AS
SELECT k.user_id, k.conversation_id, k.name,
  json_extract(i.value, '$[0]') AS low, json_extract(i.value, '$[1]') AS high, json_extract(i.value, '$[2]') AS at
FROM mark k, json_each(CASE WHEN json_valid(CAST(k.intervals AS TEXT)) THEN CAST(k.intervals AS TEXT) ELSE '{}' END,
  '$.set') i;

-- Contract 000's table of that name: what others wrote to a member, and whether the member's NetherLink clients have it.
-- Kinds are those of ConversationKind. Of a broadcast every user is a member from the time the user was made.
CREATE VIEW offline_message_index AS
SELECT
  e.message_id AS id,
  e.user_id,
  e.message_id,
  e.conversation_id,
  datetime(1735689600 + (e.message_id >> 12) / 1000, 'unixepoch') AS created_at,
  EXISTS (SELECT 1 FROM mark_run r WHERE r.user_id = e.reader AND r.conversation_id = e.log
    AND r.name IN ('netherlink.synced', 'read') AND e.seq BETWEEN r.low AND r.high) AS synced,
  (SELECT datetime(min(r.at) / 1000, 'unixepoch') FROM mark_run r WHERE r.user_id = e.reader
    AND r.conversation_id = e.log AND r.name IN ('netherlink.synced', 'read') AND e.seq BETWEEN r.low AND r.high)
    AS synced_at
FROM (
  SELECT b.user_id AS reader, b.conversation_id AS log, m.id AS message_id, m.seq, u.handle AS user_id,
    CASE c.kind
      WHEN 0 THEN (SELECT min(p.handle) || '_' || max(p.handle) FROM "user" p WHERE p.id IN (c.low_id, c.high_id))
      WHEN 1 THEN 'group_' || c.id
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
  JOIN "user" u
  JOIN message m ON m.conversation_id = c.id
  WHERE c.kind = 3 AND m.sender_id <> u.id AND m.recalled IS NULL
    AND m.id >= ((u.created - 1735689600000) << 12)
) e
WHERE NOT EXISTS (SELECT 1 FROM mark_run r WHERE r.user_id = e.reader AND r.conversation_id = e.log
  AND r.name IN ('hidden', 'netherlink.cleared') AND e.seq BETWEEN r.low AND r.high);
