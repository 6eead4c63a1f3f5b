"""Fills the database of a stopped host with messages, as the host would have stored them."""

import sqlite3
import uuid

BASE = 1_000_000_000 << 12  # an id of the year 2025


def fill(path, messages, conversations=200, users=200, content=140):
    """Groups of ten members; returns the handle of somebody who is in one."""
    body = '{"text":"' + "x" * content + '"}'
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("BEGIN")
    database.executemany('INSERT INTO "user" (id, handle, uuid, created) VALUES (?, ?, ?, 1)',
                         [(i << 20, f"filled{i}", str(uuid.UUID(int=i)), ) for i in range(1, users + 1)])
    database.execute("INSERT OR IGNORE INTO domain (id, name) VALUES (1, 'Core:Text')")
    (domain,) = database.execute("SELECT id FROM domain WHERE name = 'Core:Text'").fetchone()
    database.executemany(
        "INSERT INTO conversation (id, kind, uuid, name, description, avatar, owner_id, join_rule, created, updated) "
        "VALUES (?, 1, ?, 'filled', '', '', ?, 0, 1, 1)",
        [(i << 20, str(uuid.UUID(int=1 << 64 | i)), 1 << 20) for i in range(1, conversations + 1)])
    database.executemany(
        "INSERT INTO member (conversation_id, user_id, role, joined, joined_seq, muted_until, has_left) "
        "VALUES (?, ?, 0, 1, 0, 0, 0)",
        [(i << 20, ((i + k) % users + 1) << 20) for i in range(1, conversations + 1) for k in range(10)])
    database.execute(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :messages) "
        "INSERT INTO message (id, conversation_id, seq, sender_id, domain_id, content) "
        "SELECT :base + i * 64, (i % :conversations + 1) << 20, i / :conversations + 1, "
        "((i % :conversations + 1 + i % 10) % :users + 1) << 20, :domain, :body FROM n",
        {"messages": messages, "base": BASE, "conversations": conversations, "users": users, "domain": domain,
         "body": body})
    database.execute(
        "UPDATE conversation SET head = (SELECT max(seq) FROM message WHERE conversation_id = conversation.id), "
        "last_id = (SELECT id FROM message WHERE conversation_id = conversation.id ORDER BY seq DESC LIMIT 1) "
        "WHERE id IN (SELECT DISTINCT conversation_id FROM message)")
    last = BASE + (messages - 1) * 64
    database.execute("UPDATE progress SET applied_upto = ?, position = ?", (last, last))
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return "filled2"
