#include "upkeep.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

#include <loft/json.hpp>

#include "owner.hpp"
#include "row_rules.hpp"
#include "shape.hpp"

namespace loft::storage {
namespace {

constexpr std::size_t problems_of_a_kind = 100;

StorageSchema look_at(SchemaDatabase* database, std::span<const Migration> known, std::string_view where) {
  if (database != nullptr) return look(*database, known, where);
  StorageSchema nothing;
  for (const auto& step : known) {
    nothing.newest = static_cast<std::uint32_t>(step.number);
    nothing.steps.push_back({nothing.newest, std::string(step.name), checksum(step.sql)});
  }
  return nothing;
}

/// The host's mark of a copy that was begun into this store (core/transfer/mark.hpp): where it comes from.
std::string unfinished_copy(SchemaDatabase& database) {
  if (!database.has_table("key_value")) return {};
  const auto found = database.rows("SELECT value FROM key_value WHERE space = 'loft.copy' AND \"key\" = 'from'");
  return found.empty() ? std::string() : found[0][0];
}

}  // namespace

void Upkeep::offer_commands(Host& host) {
  host.command("storage.describe", [this](std::string_view) { return answered([this] { return described(); }); });
  host.command("storage.check", [this](std::string_view) { return answered([this] { return checked(); }); });
  host.command("storage.count", [this](std::string_view) { return answered([this] { return counted(); }); });
}

Result<StorageSchema> Upkeep::schema() {
  return answered([this] { return look_at(look_in().get(), steps(), where()); });
}

Result<StorageSchema> Upkeep::migrate() {
  return answered([this] {
    bring_up(plan(true));
    return look_at(look_in().get(), steps(), where());
  });
}

std::string Upkeep::told(const Failure& failure) const {
  if (failure.text.find(where()) != std::string::npos) return failure.text;
  const auto damaged = failure.kind == Failure::Kind::damaged ? "; restore a backup" : "";
  return where() + " cannot be used: " + failure.text + " (" + failure.code + ")" + damaged;
}

/// What the steps that were taken have made and is not there.
std::vector<Problem> Upkeep::not_whole(SchemaDatabase& database) {
  std::vector<Problem> found;
  for (const auto& lack : lacks(database, steps())) {
    found.push_back({lack.table, lack.what + " is missing",
                     "restore the whole backup into an empty database, or undo the change that took it away"});
  }
  return found;
}

std::string Upkeep::described() {
  std::string out;
  json::Writer w(out);
  w.object().key("where").string(where()).key("owner").string(owner()).key("may_migrate").boolean(may_migrate());
  w.key("steps").array();
  for (const auto& step : steps()) {
    w.object().key("number").number(step.number).key("name").string(step.name).key("sql").string(step.sql).end_object();
  }
  w.end_array().key("lacks").array();
  const auto database = look_in();
  if (database) {
    for (const auto& lack : lacks(*database, steps())) w.string(lack.what);
  }
  w.end_array();
  if (database) w.key("unfinished_copy_of").string(unfinished_copy(*database));
  w.end_object();
  return out;
}

std::string Upkeep::checked() {
  const auto database = look_in();
  const auto schema = look_at(database.get(), steps(), where());
  if (!database || schema.stored == 0) throw SchemaError(where() + " holds no store: there is nothing to check");
  if (schema.stored > schema.newest) {
    throw SchemaError(where() + " has schema number " + std::to_string(schema.stored) +
                      ", which this program does not know: check it with the newer loft that wrote it");
  }
  auto found = not_whole(*database);
  const bool is_whole = found.empty();
  if (const auto from = unfinished_copy(*database); !from.empty()) {
    found.push_back({"key_value", "a copy of " + from + " into this store has not ended",
                     "run `loft storage copy` again with the same two files, or empty the store"});
  }
  if (is_whole) {
    const auto list = checks_of(engine());
    auto more = problems(*database, list, static_cast<int>(schema.stored), true, problems_of_a_kind);
    std::move(more.begin(), more.end(), std::back_inserter(found));
  }
  std::string out;
  json::Writer w(out);
  w.object().key("problems").array();
  for (const auto& problem : found) {
    w.object().key("table").string(problem.table).key("what").string(problem.what);
    w.key("remedy").string(problem.remedy).end_object();
  }
  w.end_array().end_object();
  return out;
}

std::string Upkeep::counted() {
  const auto database = look_in();
  std::optional<LongWork> reads_tables;
  if (database) reads_tables.emplace(*database);
  std::string out;
  json::Writer w(out);
  w.object().key("rows").object();
  for (const auto* rules : row_rules::all) {
    const auto table = std::string(rules->table);
    if (!database || !database->has_table(table)) continue;
    const bool has_more = rules == &row_rules::key_value;  // whose store it is stays where it is
    const auto moved = has_more ? " WHERE space <> '" + std::string(owner_space) + "'" : std::string();
    w.key(table).raw(database->rows("SELECT count(*) FROM \"" + table + '"' + moved)[0][0]);
  }
  w.end_object().end_object();
  return out;
}

}  // namespace loft::storage
