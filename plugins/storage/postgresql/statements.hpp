// The texts of statements as PostgreSQL takes them: the shared reads, and batches written by arrays.
#pragma once

#include <string>
#include <string_view>

#include <common/queries.hpp>

namespace loft::storage::postgresql {

/// Statements that only this engine has. They continue the numbers of `Query`.
enum class Own : unsigned {
  begin = static_cast<unsigned>(Query::end),
  begin_reading,
  commit,
  rollback,
  each_conversation,
  each_message,
  each_bounds,
  each_own_and_recalled,
  seq_at,
  stored_heads,
  stored_keys,
  put_users,
  put_conversations,
  put_members,
  put_heads,
  put_keys,
  put_messages,
  put_changes,
  put_recalls,
  erase_messages,
  erase_notes,
  put_marks,
  put_key_values,
  remove_key_values,
  restore_keys,
  owner_shared,
  owner_alone,
  end,
};

inline constexpr std::size_t statement_count = static_cast<std::size_t>(Own::end);

/// Every statement has an index that answers it. Before the first ANALYZE of a new store the planner does not know that
/// tables will grow, and a plan that is kept must not be the one for empty tables.
inline constexpr std::string_view planner_settings =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off; SET "
    "jit = off; "
    "SET max_parallel_workers_per_gather = 0";

/// The text of a `Query` or an `Own`.
std::string statement_text(unsigned number);

}  // namespace loft::storage::postgresql
