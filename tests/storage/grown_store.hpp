// A store of any size in which what some reads are about is always the same: a page of ten, a user with twelve
// conversations, a conversation with twelve members. For tests that count what a read looks at.
#pragma once

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <common/queries.hpp>

#include <loft/testing/storage/fixture.hpp>

namespace storage_test {

namespace st = loft::storage;

using Values = std::map<std::string, std::string, std::less<>>;

/// The names of a statement's parameters, in the order in which they appear first.
inline std::vector<std::string> parameters_of(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t at = text.find(':'); at != std::string_view::npos; at = text.find(':', at + 1)) {
    auto end = at + 1;
    while (end < text.size() && std::isalnum(static_cast<unsigned char>(text[end])) != 0) ++end;
    // A time of day has colons too.
    if (at + 1 == text.size() || std::isalpha(static_cast<unsigned char>(text[at + 1])) == 0) continue;
    const std::string name(text.substr(at + 1, end - at - 1));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

/// The value of a parameter; 20 where none is given.
inline std::string value_of(const Values& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? "20" : found->second;
}

/// A statement with values in place of its parameters.
inline std::string filled_in(std::string_view text, const Values& values) {
  std::string sql;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != ':' || at + 1 == text.size() || std::isalpha(static_cast<unsigned char>(text[at + 1])) == 0) {
      sql += text[at];
      continue;
    }
    auto end = at + 1;
    while (end < text.size() && std::isalnum(static_cast<unsigned char>(text[end])) != 0) ++end;
    sql += value_of(values, std::string(text.substr(at + 1, end - at - 1)));
    at = end - 1;
  }
  return sql;
}

/// The rows that a store of that size has. For every engine.
inline std::vector<std::string> grown_store(int size) {
  const auto insert = [&](const std::string& into, const std::string& columns, int count) {
    return "INSERT INTO " + into + " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
           std::to_string(count) + ") SELECT " + columns + " FROM n";
  };
  constexpr int few = 12;
  return {
      insert("\"user\" (id, handle, uuid, created, profile)", "i, CAST(i AS CHAR(10)), CAST(i AS CHAR(10)), 0, ''",
             size),
      insert(
          "conversation (id, kind, owner_id, join_rule, dissolved, created, updated, max_members, name, description, "
          "avatar, topic)",
          "i, 1, 1, 0, 0, 0, 0, 0, '', '', '', ''", size),
      insert("member", "i, 20, 0, i, 0, 0, 0, 0, 0", few),
      insert("member", "20, 1000000 + i, 0, i, 0, 0, 0, 0, 0", few),
      insert("member", "100 + i, 100 + i, 0, i, 0, 0, 0, 0, 0", size),
      insert("mark (user_id, conversation_id, name, intervals)", "20, i, 'read', '{}'", few),
      insert("mark (user_id, conversation_id, name, intervals)", "1000000 + i, 20, 'read', '{}'", few),
      insert("mark (user_id, conversation_id, name, intervals)", "100 + i, 100 + i, 'read', '{}'", size),
      insert("message (id, conversation_id, seq, sender_id, domain_id, content)", "i, 20, i, 7, 1, 'text'", size),
      insert("client_message", "i, 7, i, i, i", size),
      insert("\"change\" (position, conversation_id, kind, actor_id, subject_id, message_id, role)",
             "i, 20, 0, 0, 0, 0, 0", size),
      insert("key_value", "'s', CAST(i AS CHAR(10)), 'x'", size),
      insert("follower", "CAST(i AS CHAR(10)), i", size),
      insert("domain (id, name)", "i, CAST(i AS CHAR(10))", size),
  };
}

/// Reads whose work is that of their answer, whatever else is stored.
inline constexpr st::Query bounded_reads[] = {
    st::Query::log_up,         st::Query::log_down,     st::Query::messages_since, st::Query::changes_since,
    st::Query::changes_of,     st::Query::memberships,  st::Query::member_marks,   st::Query::members,
    st::Query::marks,          st::Query::domains,      st::Query::follower,       st::Query::last_position,
    st::Query::message,        st::Query::conversation, st::Query::user_by_id,     st::Query::user_by_handle,
    st::Query::key_value,      st::Query::key_values,   st::Query::head,           st::Query::key,
    st::Query::client_keys,    st::Query::all_members,  st::Query::all_marks,      st::Query::all_conversations,
    st::Query::all_key_values, st::Query::probe};

/// What such a read is asked for in a store of that size, in its middle.
inline Values asked_of(st::Query query, int size) {
  const auto middle = std::to_string(size / 2);
  Values values{{"low", middle},         {"high", std::to_string(size)},
                {"limit", "10"},         {"after", middle},
                {"mark", "'read'"},      {"name", "'read'"},
                {"space", "'s'"},        {"key", "'20'"},
                {"from", "'20'"},        {"seq", middle},
                {"handle", "'20'"},      {"sender", "7"},
                {"conversation", middle}};
  if (query == st::Query::domains) values["from"] = std::to_string(size - 10);
  if (query == st::Query::follower) values["name"] = "'20'";
  if (query == st::Query::all_members || query == st::Query::all_marks) values["user"] = middle;
  return values;
}

/// `examined(query, values)`: how much a read looks at, in a store of that size.
struct Grown {
  int size;
  std::function<long(st::Query, const Values&)> examined;
};

/// No read looks at more in a store ten times as large. `slack`: what the same read may differ by.
inline void check_reads_are_bounded(const Grown& small, const Grown& large, long slack) {
  for (const auto query : bounded_reads) {
    const auto before = small.examined(query, asked_of(query, small.size));
    const auto after = large.examined(query, asked_of(query, large.size));
    INFO(st::text(query) << "\n" << before << " of " << small.size << ", " << after << " of " << large.size);
    CHECK(before > 0);
    CHECK(after <= before + slack);
  }
}

}  // namespace storage_test
