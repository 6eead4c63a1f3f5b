// Domains are numbers in the rows. Numbers are given without gaps and never taken back, so what is known stays true.
#pragma once

#include <deque>
#include <map>
#include <string>

#include <loft/storage.hpp>

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

/// For writing, one per connection: gives new numbers.
class DomainNumbers {
 public:
  /// Outside of a transaction, before that of a batch: stores those of its domains that have no number. Each is stored
  /// at once, so that nobody waits for the batch's end to use it or to give the next number, and what is known here is
  /// never taken back. Another connection may give numbers at the same time.
  template <class Connection>
  void learn(Connection& db, const Batch& batch) {
    for (const auto& entry : batch.messages) {
      const auto& name = entry.message->domain;
      if (!numbers_.contains(name)) give(db, name);
    }
  }

  /// Of a domain that was learned.
  std::uint64_t operator[](const std::string& name) const { return numbers_.find(name)->second; }

 private:
  static constexpr int most_attempts = 100;

  template <class Connection>
  void give(Connection& db, const std::string& name) {
    for (int attempt = 1;; ++attempt) {
      {
        auto rows = db.run(Query::domains, numbers_.size() + 1);
        while (rows.next()) numbers_.emplace(rows.text(1), rows.number(0));
      }
      if (numbers_.contains(name)) return;
      const std::uint64_t number = numbers_.size() + 1;
      try {
        db.write(Query::put_domain, number, name);
        numbers_.emplace(name, number);
        return;
      } catch (const Failure& e) {
        // Somebody else has just taken this number, or given this name one.
        if (e.kind != Failure::Kind::caller || attempt == most_attempts) throw;
      }
    }
  }

  std::map<std::string, std::uint64_t, std::less<>> numbers_;
};

}  // namespace loft::storage
