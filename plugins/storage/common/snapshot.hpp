// A read transaction on a connection of whatever driver.
#pragma once

namespace loft::storage {

/// Every statement until its end sees the same state.
template <class Connection>
class Snapshot {
 public:
  explicit Snapshot(Connection& connection) : connection_(connection) { connection_.begin(); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() { connection_.end(); }

 private:
  Connection& connection_;
};

}  // namespace loft::storage
