// Which start of a host a store on a server belongs to. The lock says who has it now; this says whether somebody else
// had it while the lock was lost: then what the host remembers of heads and client ids is old.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <loft/clock.hpp>
#include <loft/message.hpp>

#include "failure.hpp"
#include "queries.hpp"
#include "schema_database.hpp"

namespace loft::storage {

/// Where that stands in table key_value. Storage::all_key_values leaves this space out: it belongs to the place, not to
/// what is moved.
inline constexpr std::string_view owner_space = "loft.owner";

/// This machine and process, as others are told of it.
std::string own_name();

/// Signs the store for this start, with a number that grows, and returns the signature. Precondition: the tables are
/// there and the lock is held. Throws Failure.
std::string sign(SchemaDatabase& database, Millis now);

/// Why a host must not write any more.
struct Replaced : Failure {
  using Failure::Failure;
};

/// What the writers of one start know of it. Thread role: any.
class Ownership {
 public:
  /// Before there are writers. `signature`: see `sign`; `where`: the database, for errors.
  void begin(std::string signature, std::string where) {
    signature_ = std::move(signature);
    where_ = std::move(where);
  }

  /// Throws Replaced when the signature is not there any more, which ends all writing of this host. Precondition: the
  /// lock is held again. Throws Failure when the store cannot be asked.
  void check(SchemaDatabase& database);
  /// The same, of what Connection::owner_shared or owner_alone has read.
  template <class Cursor>
  void check(Cursor row) {
    check(row.next() ? row.text(0) : std::string_view());
  }
  /// A batch that ends there is stored, and somebody has been told.
  void has_stored(Position position) noexcept {
    auto known = stored_.load();
    while (known < position && !stored_.compare_exchange_weak(known, position)) {
    }
  }
  /// Throws Replaced when the store has lost that: it is an older state of itself, which signatures do not tell.
  template <class Connection>
  void check_position(Connection& db) {
    const auto known = stored_.load();
    auto row = db.run(Query::last_position);
    if (const auto found = row.next() ? row.number(0) : 0; found < known) has_gone_back();
  }

  /// Throws what `check` or `check_position` has thrown before.
  void refuse_if_ended() const;

  /// The commit of a writer that is not the owner may be stored, or be so later.
  void lose_track() noexcept { has_lost_track_ = true; }
  /// On the owner's connection, outside of a transaction, while no other writer is at work: ends when all commits whose
  /// answers were lost are stored or never will be. See ServerWriter.
  template <class Connection>
  void decide(Connection& db) {
    if (!has_lost_track_) return;
    check(db.run(Connection::owner_alone));
    // InnoDB shows what is committed before it is on disk. A write of our own that is on disk is behind it.
    db.write(Query::put_key_value, owner_space, std::string_view("decided"),
             signature_ + " " + std::to_string(++decisions_));
    has_lost_track_ = false;
  }

 private:
  void check(std::string_view found);
  [[noreturn]] void has_gone_back();

  std::atomic<Position> stored_{0};
  std::string signature_, where_;
  std::atomic<bool> has_lost_track_{false};
  std::uint64_t decisions_ = 0;
  mutable std::mutex mutex_;
  std::optional<Replaced> replaced_;
};

}  // namespace loft::storage
