// The state of plugins: written through the commit queue, read from the storage.
#include <future>

#include <loft/utf8.hpp>

#include "messaging/ask.hpp"
#include "messaging/sequencer.hpp"

namespace loft {
namespace {

constexpr std::size_t key_bytes = 250;
constexpr std::size_t value_bytes = 64 << 10;

std::optional<Error> wrong_with(const KeyChange& change) {
  const auto invalid = [](std::string detail) { return Error{Code::invalid, "key.invalid", std::move(detail)}; };
  if (change.key.empty() || change.key.size() > key_bytes || !utf8::valid(change.key)) {
    return invalid("a key has 1 to 250 bytes of UTF-8");
  }
  if (change.value && (change.value->size() > value_bytes || !utf8::valid(*change.value))) {
    return invalid("the value of key " + change.key + " is not UTF-8 of at most 64 KiB");
  }
  return std::nullopt;
}

}  // namespace

/// What one plugin sees.
class StoredValues final : public KeyValues {
 public:
  StoredValues(Core& core, std::string space) : core_(core), space_(std::move(space)) {}

  void put(const Caller& caller, std::vector<KeyChange> changes, Done<bool> done) override {
    if (core_.turned_away(caller, done)) return;
    std::size_t bytes = sizeof(Entry);
    for (const auto& change : changes) {
      if (auto wrong = wrong_with(change)) return core_.refuse(caller, std::move(done), std::move(*wrong));
      bytes += sizeof(KeyChange) + change.key.size() + (change.value ? change.value->size() : 0);
    }
    KeyValueEntry entry{space_, std::move(changes), {}, std::move(done)};
    core_.enqueue(caller.thread, Entry{caller, std::move(entry), bytes, {}});
  }

  void get(const Caller& caller, std::string key, Done<std::optional<std::string>> done) override {
    core_.in_pool<std::optional<std::string>>(
        caller, [this, key = std::move(key)] { return core_.storage_.key_value(space_, key); }, std::move(done));
  }

  void list(const Caller& caller, std::string prefix, std::string after, std::size_t limit,
            Done<std::vector<KeyValue>> done) override {
    core_.in_pool<std::vector<KeyValue>>(
        caller,
        [this, prefix = std::move(prefix), after = std::move(after), limit] { return read(prefix, after, limit); },
        std::move(done));
  }

  Result<std::vector<KeyValue>> read(const std::string& prefix, const std::string& after, std::size_t limit) override {
    auto stored = core_.storage_.key_values(space_, prefix, after, limit);
    if (!stored) return stored.error();
    std::vector<KeyValue> found;
    found.reserve(stored->size());
    for (auto& row : *stored) found.push_back({std::move(row.key), std::move(row.value)});
    return found;
  }

  Result<void> write(std::vector<KeyChange> changes) override {
    Caller nobody;
    nobody.thread = ~0u;  // answered on the committer's thread
    std::promise<Result<bool>> promise;
    auto answer = promise.get_future();
    put(nobody, std::move(changes),
        [promise = std::move(promise)](Result<bool> stored) mutable { promise.set_value(std::move(stored)); });
    answer.wait();
    try {
      const auto stored = answer.get();
      return stored ? Result<void>() : stored.error();
    } catch (const std::future_error&) {  // a host that stops drops what it does not answer
      return Error{Code::unavailable, "host.stopping", "the host is stopping"};
    }
  }

 private:
  Core& core_;
  const std::string space_;
};

std::unique_ptr<KeyValues> Core::key_values(std::string space) {
  return std::make_unique<StoredValues>(*this, std::move(space));
}

void Core::prepare(Entry& entry, KeyValueEntry& put, std::unique_lock<std::mutex>& lock) {
  put.stored.assign(put.changes.size(), std::nullopt);
  lock.unlock();
  for (std::size_t i = 0; i < put.changes.size() && !entry.failed; ++i) {
    if (!put.changes[i].expected) continue;
    auto stored = storage_.key_value(put.space, put.changes[i].key);
    if (stored)
      put.stored[i] = std::move(*stored);
    else
      entry.failed = std::make_unique<Error>(std::move(stored.error()));
  }
  lock.lock();
}

// Each change finds what those before it have made, of this call and of others in this round.
Sequencer::Step Sequencer::decide(Entry& entry, KeyValueEntry& put) {
  static_cast<void>(entry);
  const auto now = [&](std::size_t i) -> const std::optional<std::string>& {
    const auto& key = put.changes[i].key;
    for (std::size_t j = i; j > 0; --j) {
      if (put.changes[j - 1].key == key) return put.changes[j - 1].value;
    }
    const auto drafted = draft_values_.find({put.space, key});
    return drafted != draft_values_.end() ? values_[drafted->second].value : put.stored[i];
  };
  for (std::size_t i = 0; i < put.changes.size(); ++i) {
    const auto& change = put.changes[i];
    if (!change.expected || now(i) == *change.expected) continue;
    return error(Code::conflict, "key.changed", "the value of key " + change.key + " is another one by now");
  }
  for (const auto& change : put.changes) draft_value({put.space, change.key, change.value});
  return Nothing{};
}

void Sequencer::draft_value(KeyValueWrite value) {
  draft_values_.insert_or_assign({value.space, value.key}, values_.size());
  values_.push_back(std::move(value));
}

void Sequencer::finish(Entry& entry, KeyValueEntry& put, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step)) return out.reply<bool>(entry.caller, put.done, std::move(*refused));
  out.reply<bool>(entry.caller, put.done, true);
}

}  // namespace loft
