// Which start of a host a store on a server belongs to. The lock says who has it now; this says whether somebody else
// had it while the lock was lost: then what the host remembers of heads and client ids is old.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <loft/clock.hpp>

#include "failure.hpp"
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
  /// Before there are writers. `signature`: see `sign`.
  void begin(std::string signature) { signature_ = std::move(signature); }

  /// Throws Replaced when the signature is not there any more, which ends all writing of this host. Precondition: the
  /// lock is held again. Throws Failure when the store cannot be asked.
  void check(SchemaDatabase& database, const std::string& where);
  /// Throws what `check` has thrown before.
  void refuse_if_ended() const;

 private:
  std::string signature_;
  mutable std::mutex mutex_;
  std::optional<Replaced> replaced_;
};

}  // namespace loft::storage
