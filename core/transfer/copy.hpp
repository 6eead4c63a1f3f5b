// Everything that one storage keeps, copied into another.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <loft/storage.hpp>

namespace loft::transfer {

struct Counts {
  std::uint64_t users = 0, conversations = 0, members = 0, messages = 0, changes = 0, client_keys = 0, marks = 0,
                key_values = 0, followers = 0, pushes = 0, devices = 0, attempts = 0;

  std::uint64_t all() const noexcept {
    return users + conversations + members + messages + changes + client_keys + marks + key_values + followers +
           pushes + devices + attempts;
  }
  bool operator==(const Counts&) const = default;
};

/// How far it has come. `total` 0: not known.
struct Step {
  std::string_view what;  ///< "messages"
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};
using Watch = std::function<void(const Step&)>;

/// How many rows the tables themselves have, whatever the reads of Storage come by. Nullopt: the storage cannot say it.
using Count = std::function<Result<std::optional<Counts>>()>;

struct CopyOptions {
  std::size_t batch = 4000;  ///< rows of one transaction, fewer where they are large
  std::string from;          ///< what the source is, for operators who meet an unfinished copy
  Watch watch;               ///< called after each batch; may be empty
  Count count_source;        ///< called before and after, and where rows are missing; may be empty
};

struct Copied {
  Counts found;            ///< what an earlier run, which was cut short, had brought there
  Counts written;          ///< by this one
  bool was_whole = false;  ///< nothing was left to do: the target equals the source
};

/// Copies, or goes on where a copy was cut short, at whatever point: what the target has is compared with the source
/// and must be the beginning of it. When it returns, both have the same rows, heads and last position. Nothing else may
/// use the two meanwhile; they are started. Thread role: one thread; reads run on others.
/// Errors: conflict `transfer.different` (the target has something else; the detail names the first difference),
/// conflict `transfer.unfinished` (the source is half of a copy itself), not_found `transfer.empty` (there is nothing
/// to copy), invalid `transfer.damaged` (the source contradicts itself: a row that no read comes by, a text that is not
/// UTF-8, a message out of order), invalid `transfer.refused` (a row that the target does not take), conflict
/// `transfer.changed` (something wrote to the source meanwhile), the storages' own.
Result<Copied> copy(Storage& source, Storage& target, const CopyOptions& options);

}  // namespace loft::transfer
