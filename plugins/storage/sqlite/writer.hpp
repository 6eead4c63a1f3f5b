// All that changes the store goes through one connection.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <loft/storage.hpp>

#include "connection.hpp"

namespace loft::storage {

/// A batch that contradicts itself or what is stored in a way no Conflict can tell: a mistake of the caller.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One call at a time. Everything throws Failure; then nothing of the call is stored.
class Writer {
 public:
  Writer(const std::string& path, const Tuning& tuning);

  /// Throws Broken too.
  Conflict commit(const Batch& batch);
  void set_follower(std::string_view name, Position position);
  std::size_t forget_client_keys(Position before, std::size_t limit);

  Connection& connection() noexcept { return connection_; }

 private:
  void put_entities(const Batch& batch);
  void put_heads(const Batch& batch, Conflict& conflict);
  void put_messages(const Batch& batch, Conflict& conflict);
  void put_key(const Batch& batch, std::size_t index, Conflict& conflict);
  void put_rest(const Batch& batch);
  std::uint64_t domain_number(const std::string& name);

  Connection connection_;
  std::map<std::string, std::uint64_t, std::less<>> domains_;
  std::vector<std::string> new_domains_;  ///< of the transaction that runs
};

}  // namespace loft::storage
