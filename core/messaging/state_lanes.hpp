// Calls of plugins that read and write the state of a conversation: one conversation of a plugin at a time, several
// stored together.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/key_values.hpp>

#include "messaging/stored_state.hpp"
#include "messaging/threads.hpp"

namespace loft {

/// Thread role: any.
class StateLanes : public std::enable_shared_from_this<StateLanes> {
 public:
  /// A plugin's space, and a conversation: its id behind a 0, or the two users of a direct one, which may not exist.
  using Key = std::tuple<std::string, std::uint64_t, std::uint64_t>;
  /// Called once, from any thread: nullopt is success. Destroyed uncalled it says `host.stopping`.
  using Ended = Function<void(std::optional<Error>)>;

  class Job {
   public:
    virtual ~Job() = default;
    /// Which conversation that is now; none: it does not exist. On the pool; may wait.
    virtual Result<ConversationId> conversation() = 0;
    /// On the pool, perhaps several times. Does not throw.
    virtual Result<void> run(PluginState& state) = 0;
    /// After `run`: it is stored by `commit`, alone, and not with others'.
    virtual bool has_message() const noexcept = 0;
    /// On the pool. Precondition: has_message().
    virtual void commit(std::string space, std::vector<KeyChange> changes, Ended ended) = 0;
    /// What became of it; from any thread, the last call.
    virtual void answer(std::optional<Error> refused) = 0;
  };

  /// Stores the changes of a conversation's state.
  using Put = Function<void(std::string space, ConversationId conversation, std::vector<KeyChange>, Ended)>;

  StateLanes(Storage& storage, Threads& threads, Put put);

  /// Does it after all that are for the same conversation. Overloaded `queue.full`, `pool.full` are answered too.
  void add(const Key& key, std::unique_ptr<Job> job);
  /// Nothing is begun any more; what waits is dropped, what is under way is answered.
  void stop();
  /// From here on nothing is answered either: what jobs refer to ends.
  void abandon();

 private:
  using Jobs = std::vector<std::unique_ptr<Job>>;
  struct Lane {
    std::deque<std::unique_ptr<Job>> waiting;
  };

  void begin(const Key& key);
  void work(const Key& key);
  Jobs take(const Key& key);
  void put_back(const Key& key, Jobs& jobs, std::size_t from);
  void end(const Key& key, Jobs& jobs, const std::optional<Error>& failed);
  Ended when_stored(const Key& key, std::shared_ptr<Jobs> jobs);

  Storage& storage_;
  Threads& threads_;
  Put put_;
  std::mutex mutex_;
  std::map<Key, Lane> lanes_;  ///< those with something waiting or under way
  bool stopping_ = false;
  bool abandoned_ = false;
};

}  // namespace loft
