// What an operator does with a store, the same for every SQL storage: look at the schema, bring it up to date, check
// the rows. Each works on connections of its own, so that no start is needed, and all but bringing up beside a running
// host.
#pragma once

#include <memory>
#include <span>
#include <string>

#include <loft/storage.hpp>

#include "failure.hpp"
#include "migration.hpp"

namespace loft::storage {

/// Thread role: control, after `setup`. Offers the commands `storage.describe` (`{"where","owner","may_migrate",
/// "steps":[{"number","name","sql"}],"lacks":["table user"],"unfinished_copy_of"}`, lacks: what the taken steps made
/// and is not there; the last one empty: none), `storage.check` (`{"problems":[{"table","what","remedy"}]}`) and
/// `storage.count` (`{"rows":{"user":3,…}}`, of each table of row_rules.hpp, all that are there and may be moved), see
/// Host::command.
class Upkeep : public Storage {
 public:
  Result<StorageSchema> schema() override;
  Result<StorageSchema> migrate() override;

 protected:
  void offer_commands(Host& host);

  // What an engine says of itself.
  virtual Engine engine() const noexcept = 0;
  virtual std::span<const Migration> steps() const noexcept = 0;
  /// The database, in errors.
  virtual std::string where() const = 0;
  /// Whether a start may change an older schema.
  virtual bool may_migrate() const noexcept { return true; }
  /// A connection that changes nothing. Null: there is nothing yet. Throws Failure, StartError.
  virtual std::unique_ptr<SchemaDatabase> look_in() = 0;
  /// Which process has the store; empty: none. Throws as `look_in`.
  virtual std::string owner() = 0;
  /// What a start does up to `migrate`, as the owner, and then closes. Throws as `look_in`.
  virtual void bring_up(const Plan& plan) = 0;

  Plan plan(bool allowed) const { return {steps(), where(), allowed, checks_of(engine())}; }
  /// A failure in words for the operator.
  std::string told(const Failure& failure) const;
  /// Calls `work` and turns what it throws into an answer.
  template <class F>
  auto answered(F work) -> Result<decltype(work())> {
    try {
      return work();
    } catch (const SchemaError& e) {
      return Error{Code::conflict, "storage.schema", e.what()};
    } catch (const Failure& e) {
      return Error{Code::unavailable, "storage.unavailable", told(e)};
    } catch (const std::exception& e) {
      return Error{Code::unavailable, "storage.unavailable", e.what()};
    }
  }

 private:
  std::vector<Problem> not_whole(SchemaDatabase& database);
  std::string described();
  std::string checked();
  std::string counted();
};

}  // namespace loft::storage
