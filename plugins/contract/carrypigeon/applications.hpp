// Applications for membership, as they lie in the host's key-value store.
//
//   last                       the latest number that was given
//   aid/<aid>                  its channel
//   application/<cid>/<newest first>   the application: {"uid","state","msg","time"}
//   pending/<cid>/<uid>        the number of the one that waits, so that nobody applies twice
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <loft/key_values.hpp>
#include <loft/personal_data.hpp>

namespace loft::carrypigeon {

/// As clients hear it, but for the last: an approval has begun. Its first step, the membership, may or may not be
/// done; whoever processes the application next finishes it. Clients hear that it waits.
enum class ApplicationState : std::uint8_t { waiting, approved, rejected, joining };

struct Application {
  std::int64_t aid = 0;
  std::int64_t cid = 0;
  std::uint64_t uid = 0;
  ApplicationState state = ApplicationState::waiting;
  std::string msg;
  Millis time = 0;
  std::string stored;  ///< as it was read: a change holds only where nobody else made one since
};

/// A user's applications, for `loft user erase` and `loft user export`. Wait. Thread role: one that may wait.
Verdict erase_applications(KeyValues& store, EraseUser& event);
Verdict tell_applications(KeyValues& store, ExportUser& event);

/// Thread role of every function and of its answer: the thread in `caller.thread`.
class Applications {
 public:
  explicit Applications(KeyValues& store) : store_(store) {}

  /// Gives it a number. Errors: conflict `application.waiting` (the user's earlier one), `key.changed`.
  void create(const Caller& caller, Application application, Done<Application> done);
  /// Errors: not_found `application.unknown`.
  void find(const Caller& caller, std::int64_t aid, Done<Application> done);
  /// Errors: conflict `key.changed` (somebody else was faster).
  void set_state(const Caller& caller, Application application, ApplicationState state, Done<Application> done);
  /// The newest first, `size` of them behind the first `skip`.
  void list(const Caller& caller, std::int64_t cid, std::size_t skip, std::size_t size,
            Done<std::vector<Application>> done);

 private:
  KeyValues& store_;
};

}  // namespace loft::carrypigeon
