// Domains are numbers in the rows. Numbers are given without gaps and never taken back, so what is known stays true.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "failure.hpp"
#include "queries.hpp"

namespace loft::storage {

/// For reading, one per connection.
class DomainNames {
 public:
  /// Valid as long as this object. Null: no domain has that number.
  template <class Connection>
  const std::string* name(Connection& db, std::uint64_t number) {
    if (number > names_.size()) {
      auto rows = db.run(Query::domains, names_.size() + 1);
      while (rows.next() && rows.number(0) == names_.size() + 1) names_.emplace_back(rows.text(1));
    }
    return number == 0 || number > names_.size() ? nullptr : &names_[number - 1];
  }

 private:
  std::deque<std::string> names_;  ///< [number - 1]
};

/// For writing: gives new numbers. What a transaction added is forgotten when it is not committed.
class DomainNumbers {
 public:
  template <class Connection>
  std::uint64_t number(Connection& db, const std::string& name) {
    if (const auto known = numbers_.find(name); known != numbers_.end()) return known->second;
    if (numbers_.empty()) {
      auto rows = db.run(Query::domains, 1);
      while (rows.next()) numbers_.emplace(rows.text(1), rows.number(0));
      if (const auto known = numbers_.find(name); known != numbers_.end()) return known->second;
    }
    const std::uint64_t number = numbers_.size() + 1;
    db.write(Query::put_domain, number, name);
    added_.push_back(name);
    return numbers_.emplace(name, number).first->second;
  }

  /// After a commit whose end is not known: all are read again.
  void forget() noexcept {
    added_.clear();
    numbers_.clear();
  }

  void committed() noexcept { added_.clear(); }
  void rolled_back() {
    for (const auto& name : std::exchange(added_, {})) numbers_.erase(name);
  }

 private:
  std::map<std::string, std::uint64_t, std::less<>> numbers_;
  std::vector<std::string> added_;  ///< by the transaction that runs
};

}  // namespace loft::storage
