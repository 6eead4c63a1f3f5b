// What plugins keep about a user, when that user asks for it or wants it gone. Whoever keeps anything that names a user
// (values in KeyValues, rows or files of its own, entries of a cache that outlives a session) intercepts both.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <loft/bus.hpp>
#include <loft/id.hpp>

namespace loft {

// Thread role of interceptors of both: one at a time, on a thread that may wait (`KeyValues::read` and `write`), with
// or without I/O threads: these events are also asked while no host runs, after `start`.

/// A user is being erased (`loft user erase`). What the plugin keeps of it goes, durably, before the interceptor
/// returns; a refusal, or an exception, keeps the erasure from being done: all are asked again within minutes and after
/// a restart, until nobody refuses. So it may be asked any number of times of one user. Messages, memberships, marks
/// and the user itself are the host's; they are erased already, nobody can log in as the user any more, and its handle
/// may belong to somebody else by now.
struct EraseUser : Proposal {
  using answers_at_once = void;

  UserId user = UserId::none;
  std::string handle;    ///< as it was
  std::string uuid;      ///< as it was
  bool dry_run = false;  ///< say what would go, and change nothing

  /// What the plugin has removed, or in a dry run would: `what` as operators know it, such as `contract.auth
  /// passwords`.
  void removed(std::string what, std::uint64_t rows) { counts.emplace_back(std::move(what), rows); }

  std::vector<std::pair<std::string, std::uint64_t>> counts;
};

/// A user's data is being collected (`loft user export`). A refusal, or an exception, ends the export with its reason.
struct ExportUser : Proposal {
  using answers_at_once = void;

  UserId user = UserId::none;
  std::string handle;
  std::string uuid;

  /// One line of the export: `{"type":…,"data":…}`. `data` is JSON; `type` begins with the plugin's id. What one plugin
  /// keeps of one user is collected in memory: a few megabytes at most.
  void add(std::string type, std::string data) { lines.emplace_back(std::move(type), std::move(data)); }

  std::vector<std::pair<std::string, std::string>> lines;
};

}  // namespace loft
