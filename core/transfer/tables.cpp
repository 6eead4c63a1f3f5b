#include "transfer/tables.hpp"

#include <algorithm>
#include <iterator>

#include "transfer/failed.hpp"

namespace loft::transfer {
namespace {

const std::string whose = "the source";

}  // namespace

std::string unreached(std::string_view table, std::uint64_t rows, std::uint64_t reached) {
  return "table " + std::string(table) + " has " + std::to_string(rows) + " rows, and " + std::to_string(reached) +
         " of them belong to what is stored; `loft storage check` names the others";
}

void Source::begin() {
  const auto last = storage_.last_position();
  if (!last) throw Failed(last.error(), whose);
  last_ = *last;
  tables_ = count();
}

std::optional<Counts> Source::count() const {
  if (!count_) return std::nullopt;
  auto counted = count_();
  if (!counted) throw Failed(counted.error(), whose);
  return *counted;
}

void Source::check_unchanged() const {
  const auto last = storage_.last_position();
  if (!last) throw Failed(last.error(), whose);
  if (*last == last_ && count() == tables_) return;
  throw Failed(Error{Code::conflict, "transfer.changed",
                     "something wrote to the source while it was copied, so the copy is of no one state: stop what "
                     "writes to it and run the same command again; where that says that the target is not the "
                     "beginning of a copy, empty the target first"});
}

void Source::check_reached(const Counts& found, const Counts& written, std::size_t most) const {
  if (!tables_) return;
  for (std::size_t i = 0; i < std::min(most, std::size(kinds)); ++i) {
    const auto& [table, kind] = kinds[i];
    const auto reached = found.*kind + written.*kind;
    if (reached == (*tables_).*kind) continue;
    check_unchanged();
    throw Failed(Error{Code::invalid, "transfer.damaged",
                       "the source contradicts itself: " + unreached(table, (*tables_).*kind, reached)});
  }
}

}  // namespace loft::transfer
