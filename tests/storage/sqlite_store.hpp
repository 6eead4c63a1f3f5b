// What the tests of storage.sqlite's upgrades, looks and checks have in common.
#pragma once

#include <filesystem>
#include <set>

#include <sqlite/schema.hpp>
#include <sqlite_migrations.hpp>

#include "house.hpp"
#include "raw.hpp"

namespace storage_test {

using loft::testing::storage::TemporaryDirectory;

inline const std::span<const st::Migration> all_steps(st::migrations);

inline std::string file_in(const TemporaryDirectory& directory) { return directory.path() + "/loft.db"; }

/// A file as the program with that schema left it.
inline void make_house(const TemporaryDirectory& directory, std::size_t schema) {
  Raw raw(file_in(directory));
  raw.run("PRAGMA journal_mode = WAL");
  st::Schema database(raw.handle());
  move_in(database, all_steps.first(schema), schema == 1 ? "schema_1" : "schema_2");  // schema 3 has the same rows
  if (schema > 1) load_fixture(database, "push_log");
}

/// Configured and set up, never started.
struct Resting {
  explicit Resting(const TemporaryDirectory& directory)
      : host("storage.under_test", directory.path()), storage(make("storage.sqlite", host)) {}
  Storage* operator->() const { return storage.get(); }

  FakeHost host;
  std::unique_ptr<Storage> storage;
};

inline std::set<std::string> files_in(const TemporaryDirectory& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    names.insert(entry.path().filename().string() + " " + std::to_string(entry.file_size()));
  }
  return names;
}

inline std::string steps_of(const Result<StorageSchema>& schema) {
  if (!schema) return schema.error().reason + ": " + schema.error().detail;
  std::string text;
  for (const auto& step : schema->steps) text += step.taken ? step.known ? '+' : '?' : '-';
  return text;
}

inline std::vector<std::string> unlocked() { return {"", "DROP INDEX user_handle", "DROP INDEX client_message_key"}; }

/// As `steps_of` says it when so many of all steps are taken.
inline std::string taken(std::size_t count) {
  return std::string(count, '+') + std::string(all_steps.size() - count, '-');
}

}  // namespace storage_test
