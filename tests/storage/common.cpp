// What the SQL storages share, without a database.
#include <catch2/catch.hpp>

#include <common/phrasing.hpp>
#include <common/row_rules.hpp>

#include <set>

using namespace loft::storage;

TEST_CASE("storage common: a name that appears twice is one numbered placeholder and two questions", "[storage]") {
  constexpr std::string_view text = "SELECT a FROM b WHERE id = :id AND c BETWEEN :low AND :high AND d <> :id";
  const auto numbered = placed(text, Placeholder::numbered);
  CHECK(numbered.sql == "SELECT a FROM b WHERE id = $1 AND c BETWEEN $2 AND $3 AND d <> $1");
  CHECK(numbered.order == std::vector<std::uint8_t>{0, 1, 2});
  const auto question = placed(text, Placeholder::question);
  CHECK(question.sql == "SELECT a FROM b WHERE id = ? AND c BETWEEN ? AND ? AND d <> ?");
  CHECK(question.order == std::vector<std::uint8_t>{0, 1, 2, 0});
}

TEST_CASE("storage common: a colon between quotes is no placeholder", "[storage]") {
  const auto statement = placed("SELECT ':a', \"b:c\", :d", Placeholder::question);
  CHECK(statement.sql == "SELECT ':a', \"b:c\", ?");
  CHECK(statement.order.size() == 1);
}

TEST_CASE("storage common: a text of one's own takes the place of the shared one", "[storage]") {
  constexpr OwnText own[] = {{Query::follower, "SELECT 1 WHERE :name = 'x'"}};
  const Phrasing phrasing{Placeholder::numbered, own};
  CHECK(phrased(phrasing, Query::follower).sql == "SELECT 1 WHERE $1 = 'x'");
  CHECK(phrased(phrasing, Query::key_value).sql == "SELECT value FROM key_value WHERE space = $1 AND \"key\" = $2");
}

TEST_CASE("storage common: the columns of each row are those that are asked for, in their order", "[storage]") {
  const auto asked = [](const RowRules& rules, Query query) {
    std::string list = "SELECT ";
    for (const auto& column : rules.columns) {
      const std::string name = column.name == "key" ? "\"key\"" : std::string(column.name);
      list += (&column == rules.columns.data() ? "" : ", ") + name;
    }
    INFO(list);
    CHECK(text(query).starts_with(list));
  };
  asked(row_rules::user, Query::users);
  asked(row_rules::conversation, Query::conversation);
  asked(row_rules::member, Query::members);
  asked(row_rules::message, Query::message);
  asked(row_rules::change, Query::changes_of);
  asked(row_rules::mark, Query::all_marks);
  asked(row_rules::client_message, Query::client_keys);
  asked(row_rules::key_value, Query::all_key_values);
  asked(row_rules::follower, Query::followers);
  asked(row_rules::push_queue, Query::push);
  asked(row_rules::device, Query::devices);
  asked(row_rules::push_log, Query::attempts);
}

TEST_CASE("storage common: every statement has a text, and no two share one", "[storage]") {
  std::set<std::string_view> seen;
  for (const auto sql : query_texts) {
    CHECK_FALSE(sql.empty());
    CHECK(seen.insert(sql).second);
  }
}
