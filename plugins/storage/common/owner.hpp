// Which start of a host a store on a server belongs to. The lock says who has it now; this says whether somebody else
// had it while the lock was lost: then what the host remembers of heads and client ids is old.
#pragma once

#include <string>
#include <string_view>

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

/// Nothing when the signature is still there; else the Failure that ends all writing of this host. Precondition: the
/// lock is held again. Throws Failure when the store cannot be asked.
void refuse_unless_signed(SchemaDatabase& database, std::string_view signature, const std::string& where);

/// Why a host must not write any more.
struct Replaced : Failure {
  using Failure::Failure;
};

}  // namespace loft::storage
