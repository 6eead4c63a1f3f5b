#include "transfer/verify.hpp"

#include <algorithm>
#include <future>
#include <mutex>

#include "transfer/digest.hpp"
#include "transfer/mark.hpp"
#include "transfer/pages.hpp"
#include "transfer/tables.hpp"

namespace loft::transfer {
namespace {

const std::string names[] = {"the first", "the second"};
constexpr std::size_t page = 1000;

class Comparison {
 public:
  Comparison(Storage& first, Storage& second, const VerifyOptions& options)
      : storages_{&first, &second}, options_(options) {}

  Verified run() {
    count();
    find();
    find_unreached();
    return std::move(verified_);
  }

 private:
  void count();
  void find();
  void find_unreached();
  void find_in_conversations();
  void find_in_conversation(ConversationId id, const ConversationDigest& a, const ConversationDigest& b);

  bool full() const { return verified_.differences.size() >= options_.most; }
  void note(std::string what) {
    if (full()) {
      verified_.more = true;
    } else {
      verified_.differences.push_back(std::move(what));
    }
  }
  /// Names rows that are not the same in both, `most` of them.
  template <class Row>
  void walk(Pages<Row>&& first, Pages<Row>&& second, std::size_t most);

  Storage* storages_[2];
  const VerifyOptions& options_;
  Digest digests_[2];
  Verified verified_;
};

void Comparison::count() {
  std::mutex mutex;
  std::uint64_t rows = 0;
  const auto counted = [&](std::uint64_t more) {
    const std::lock_guard lock(mutex);
    rows += more;
    if (options_.watch) options_.watch({"rows of both", rows, 0});
  };
  auto second = std::async(std::launch::async, [&] { return digest_of(*storages_[1], names[1], counted); });
  digests_[0] = digest_of(*storages_[0], names[0], counted);
  digests_[1] = second.get();
  verified_.counts = {digests_[0].counts, digests_[1].counts};
}

template <class Row>
void Comparison::walk(Pages<Row>&& first, Pages<Row>&& second, std::size_t most) {
  std::size_t found = 0;
  while (found < most && !verified_.more) {
    const Row* a = first.peek();
    const Row* b = second.peek();
    if (a == nullptr && b == nullptr) break;
    if (b == nullptr || (a != nullptr && key_of(*a) < key_of(*b))) {
      note(named(*a) + " is in the first only");
      first.skip();
    } else if (a == nullptr || key_of(*b) < key_of(*a)) {
      note(named(*b) + " is in the second only");
      second.skip();
    } else {
      const bool equal = same(*a, *b);
      if (!equal) note(named(*a) + " has another `" + first_difference(*a, *b) + "`");
      found += equal ? 0 : 1;
      first.skip();
      second.skip();
      continue;
    }
    ++found;
  }
}

void Comparison::find() {
  const auto& [a, b] = digests_;
  auto& one = *storages_[0];
  auto& two = *storages_[1];
  const auto most = options_.most + 1;
  for (int i = 0; i < 2; ++i) {
    if (auto finished = check_finished(*storages_[i]); !finished) note(names[i] + ": " + finished.error().detail);
  }
  if (a.last != b.last) {
    note("the last position is " + std::to_string(a.last) + " in the first and " + std::to_string(b.last) +
         " in the second");
  }
  if (a.users != b.users) walk(all_users(one, page, names[0]), all_users(two, page, names[1]), most);
  if (a.conversations != b.conversations) find_in_conversations();
  if (a.client_keys != b.client_keys)
    walk(all_client_keys(one, page, names[0]), all_client_keys(two, page, names[1]), most);
  if (a.key_values != b.key_values)
    walk(all_key_values(one, page, names[0]), all_key_values(two, page, names[1]), most);
  if (a.followers != b.followers) walk(all_followers(one, names[0]), all_followers(two, names[1]), most);
  if (a.pushes != b.pushes) walk(all_pushes(one, page, names[0]), all_pushes(two, page, names[1]), most);
  if (a.devices != b.devices) walk(all_devices(one, page, names[0]), all_devices(two, page, names[1]), most);
  if (a.attempts != b.attempts) walk(all_attempts(one, page, names[0]), all_attempts(two, page, names[1]), most);
  const bool equal = a.users == b.users && a.conversations == b.conversations && a.client_keys == b.client_keys &&
                     a.key_values == b.key_values && a.followers == b.followers && a.pushes == b.pushes &&
                     a.devices == b.devices && a.attempts == b.attempts;
  if (!equal && verified_.differences.empty()) note("the hashes differ; something wrote to one of the two meanwhile");
}

/// Rows that come by in no read, which the hashes do not know.
void Comparison::find_unreached() {
  for (std::size_t i = 0; i < options_.count.size(); ++i) {
    if (!options_.count[i] || !check_finished(*storages_[i])) continue;
    const auto tables = options_.count[i]();
    if (!tables) throw Failed(tables.error(), names[i]);
    if (!*tables) continue;
    for (const auto& [table, kind] : kinds) {
      const auto rows = (**tables).*kind, reached = verified_.counts[i].*kind;
      if (rows != reached) note("in " + names[i] + ", " + unreached(table, rows, reached));
    }
  }
}

void Comparison::find_in_conversations() {
  std::vector<ConversationId> differing;
  for (const auto& [id, digest] : digests_[0].conversations) {
    const auto other = digests_[1].conversations.find(id);
    if (other == digests_[1].conversations.end() || !(digest == other->second)) differing.push_back(id);
  }
  for (const auto& [id, digest] : digests_[1].conversations) {
    if (!digests_[0].conversations.contains(id)) differing.push_back(id);
  }
  std::sort(differing.begin(), differing.end());
  for (const auto id : differing) {
    if (verified_.more) return;
    const auto of = [id](const Digest& d) {
      const auto found = d.conversations.find(id);
      return found == d.conversations.end() ? ConversationDigest() : found->second;
    };
    find_in_conversation(id, of(digests_[0]), of(digests_[1]));
  }
  const auto marks = [](const Digest& d) {
    std::uint64_t sum = 0;
    for (const auto& [id, digest] : d.conversations) sum += detail::hash(id, digest.marks);
    return sum;
  };
  if (!verified_.more && marks(digests_[0]) != marks(digests_[1])) {
    walk(all_marks(*storages_[0], page, names[0]), all_marks(*storages_[1], page, names[1]), options_.most + 1);
  }
}

void Comparison::find_in_conversation(ConversationId id, const ConversationDigest& a, const ConversationDigest& b) {
  auto& one = *storages_[0];
  auto& two = *storages_[1];
  const auto name = "conversation " + std::to_string(raw(id));
  if (a.itself != b.itself) {
    const auto first = one.conversation(id), second = two.conversation(id);
    if (!first) throw Failed(first.error(), names[0]);
    if (!second) throw Failed(second.error(), names[1]);
    if (!*first || !*second) {
      note(name + " is in " + names[*first ? 0 : 1] + " only");
      return;
    }
    const auto& x = **first;
    const auto& y = **second;
    note(name + " has another `" + (x.head != y.head || x.last != y.last ? "head" : first_difference(x, y)) + "`");
  }
  if (a.members != b.members) walk(members_of(one, id, names[0]), members_of(two, id, names[1]), 1);
  if (a.messages != b.messages) walk(messages_of(one, id, names[0]), messages_of(two, id, names[1]), 1);
  if (a.changes != b.changes) walk(changes_of(one, id, names[0]), changes_of(two, id, names[1]), 1);
}

}  // namespace

Result<Verified> verify(Storage& first, Storage& second, const VerifyOptions& options) {
  try {
    return Comparison(first, second, options).run();
  } catch (const Failed& failed) {
    return failed.error;
  }
}

}  // namespace loft::transfer
