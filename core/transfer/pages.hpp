// All rows of one kind in a storage, in their order, a page at a time; the next page is read while this one is used.
#pragma once

#include <algorithm>
#include <functional>
#include <future>
#include <optional>
#include <vector>

#include "transfer/failed.hpp"
#include "transfer/rows.hpp"

namespace loft::transfer {

/// Thread role: one thread; `read` runs on another, one call at a time.
template <class Row>
class Pages {
 public:
  /// What lies behind `after`, which is null for the beginning; nothing when there is no more.
  using Read = std::function<Result<std::vector<Row>>(const Row* after, std::size_t limit)>;

  /// `whose`: in errors, "the source".
  Pages(Read read, std::size_t most, std::string whose)
      : read_(std::move(read)), most_(most), limit_(std::min<std::size_t>(most, 64)), whose_(std::move(whose)) {
    ask(nullptr);
  }
  ~Pages() {
    if (next_.valid()) next_.wait();
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  /// The first row that was not taken; null at the end. Valid until the next call. Throws Failed.
  Row* peek() {
    while (at_ == page_.size() && !ended_) turn();
    return at_ == page_.size() ? nullptr : &page_[at_];
  }
  void skip() noexcept { ++at_; }

 private:
  static constexpr std::size_t light = 2 << 20, heavy = 8 << 20;

  void turn() {
    auto found = next_.get();
    if (!found) throw Failed(found.error(), whose_);
    page_ = std::move(*found);
    at_ = 0;
    ended_ = page_.empty();
    if (ended_) return;
    std::size_t bytes = 0;
    for (const auto& row : page_) bytes += weight(row);
    if (bytes > heavy) limit_ = std::max<std::size_t>(limit_ / 2, 1);
    if (bytes < light) limit_ = std::min(limit_ * 2, most_);
    last_ = page_.back();
    ask(&*last_);
  }
  void ask(const Row* after) {
    next_ = std::async(std::launch::async, [this, after, limit = limit_] { return read_(after, limit); });
  }

  Read read_;
  std::size_t most_;
  std::size_t limit_;
  std::string whose_;
  std::vector<Row> page_;
  std::size_t at_ = 0;
  bool ended_ = false;
  std::optional<Row> last_;  ///< where the page that is being read begins
  std::future<Result<std::vector<Row>>> next_;
};

// The rows of each kind. Where `most` rows would be too heavy, pages are smaller.
Pages<User> all_users(Storage& storage, std::size_t most, const std::string& whose);
Pages<StoredConversation> all_conversations(Storage& storage, std::size_t most, const std::string& whose);
Pages<Member> all_members(Storage& storage, std::size_t most, const std::string& whose);
Pages<LogRow> whole_log(Storage& storage, std::size_t most, const std::string& whose);
Pages<MarkWrite> all_marks(Storage& storage, std::size_t most, const std::string& whose);
/// Without those that say that a copy is under way.
Pages<KeyValueWrite> all_key_values(Storage& storage, std::size_t most, const std::string& whose);
Pages<Storage::StoredKey> all_client_keys(Storage& storage, std::size_t most, const std::string& whose);
Pages<Storage::StoredFollower> all_followers(Storage& storage, const std::string& whose);
/// Of a storage without a push ledger: none.
Pages<OwedPush> all_pushes(Storage& storage, std::size_t most, const std::string& whose);
Pages<Device> all_devices(Storage& storage, std::size_t most, const std::string& whose);
Pages<PushAttempt> all_attempts(Storage& storage, std::size_t most, const std::string& whose);

/// Whether nothing is stored. Throws Failed.
bool is_empty(Storage& storage, const std::string& whose);

/// Of one conversation.
Pages<LogRow> messages_of(Storage& storage, ConversationId id, const std::string& whose);
Pages<LogRow> changes_of(Storage& storage, ConversationId id, const std::string& whose);
Pages<Member> members_of(Storage& storage, ConversationId id, const std::string& whose);

}  // namespace loft::transfer
