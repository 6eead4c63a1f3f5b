#include "owner.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace loft::storage {
namespace {

std::string condition() { return "space = '" + std::string(owner_space) + "' AND \"key\" = 'start'"; }

/// `<number> <milliseconds since 1970> <machine> pid <number>`; empty: nobody has signed yet.
std::string signature_in(SchemaDatabase& database) {
  const auto found = database.rows("SELECT value FROM key_value WHERE " + condition());
  return found.empty() ? std::string() : found[0][0];
}

std::string name_in(std::string_view signature) {
  for (int words = 0; words < 2; ++words)
    signature.remove_prefix(std::min(signature.find(' '), signature.size() - 1) + 1);
  return std::string(signature);
}

}  // namespace

std::string own_name() {
  char machine[256] = {};
  ::gethostname(machine, sizeof machine - 1);
  std::string name = machine;
  // It goes into texts of SQL.
  std::erase_if(name, [](char c) { return c == '\'' || c == '\\'; });
  return name + " pid " + std::to_string(::getpid());
}

std::string sign(SchemaDatabase& database, Millis now) {
  const auto before = signature_in(database);
  const auto number = std::strtoll(before.c_str(), nullptr, 10) + 1;
  auto signature = std::to_string(number) + " " + std::to_string(now) + " " + own_name();
  database.execute(before.empty() ? "INSERT INTO key_value (space, \"key\", value) VALUES ('" +
                                        std::string(owner_space) + "', 'start', '" + signature + "')"
                                  : "UPDATE key_value SET value = '" + signature + "' WHERE " + condition());
  return signature;
}

void Ownership::check(SchemaDatabase& database) { check(std::string_view(signature_in(database))); }

void Ownership::check(std::string_view found) {
  if (found == signature_) return;
  const std::lock_guard lock(mutex_);
  replaced_.emplace(Failure::Kind::unavailable,
                    "another host has used " + where_ + " since this one lost its connection" +
                        (found.empty() ? "" : " (" + name_in(found) + ")") +
                        ": what this one remembers is old, so it writes nothing any more; restart it");
  throw *replaced_;
}

void Ownership::has_gone_back() {
  const std::lock_guard lock(mutex_);
  replaced_.emplace(
      Failure::Kind::unavailable,
      where_ +
          " has lost what was stored in it: it was restored from a copy, or a replica that was behind took "
          "its place, while this host ran; what this host remembers is not there, so it writes nothing any "
          "more; restart it");
  throw *replaced_;
}

void Ownership::refuse_if_ended() const {
  const std::lock_guard lock(mutex_);
  if (replaced_) throw *replaced_;
}

}  // namespace loft::storage
