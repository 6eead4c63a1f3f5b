// A long log for tests that count what a statement looks at: 20,000 messages of user 7 in conversation 20, but for
// three of user 20, and two of the others are recalled.
#pragma once

namespace storage_test {

inline constexpr const char* filled_log =
    "INSERT INTO message (id, conversation_id, seq, sender_id, domain_id, content, recalled, recalled_by) "
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
    "SELECT i, 20, i, CASE WHEN i IN (5, 9000, 15000) THEN 20 ELSE 7 END, 1, 'text', "
    "CASE WHEN i IN (50, 10060) THEN 90000 END, CASE WHEN i IN (50, 10060) THEN 7 END FROM n";

/// What the end of each block writes; 19,968 is the last.
inline constexpr const char* filled_blocks =
    "INSERT INTO sent_count (conversation_id, sender_id, upto, sent) "
    "WITH RECURSIVE n(i) AS (SELECT 256 UNION ALL SELECT i + 256 FROM n WHERE i < 19968) "
    "SELECT 20, 7, i, CASE WHEN i IN (256, 9216, 15104) THEN 255 ELSE 256 END FROM n "
    "UNION ALL SELECT 20, 20, 256, 1 UNION ALL SELECT 20, 20, 9216, 1 UNION ALL SELECT 20, 20, 15104, 1";

inline constexpr int own_in_filled_log = 3;
inline constexpr int recalled_in_filled_log = 2;
/// What stands of all, and is not from user 20.
inline constexpr int standing_in_filled_log = 19'995;

/// More rows than a count needs, which looks through two pieces of a block at the most.
inline constexpr int few_rows = 600;

/// A ledger that has kept much: 20,000 pushes that are delivered or silenced, 10 dead ones, 5 that are owed.
inline constexpr const char* filled_ledger =
    "INSERT INTO push_queue (message_id, user_id, conversation_id, state, attempts, created, due, expires, finished, "
    "reason, plan) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20015) "
    "SELECT i, 1, 1, CASE WHEN i <= 5 THEN 0 WHEN i <= 15 THEN 3 ELSE 1 + i % 2 END, 0, 0, i, i, "
    "CASE WHEN i <= 5 THEN 0 ELSE i END, '', '' FROM n";

}  // namespace storage_test
