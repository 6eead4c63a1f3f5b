#include "transfer/copy.hpp"

#include <memory>
#include <unordered_map>

#include "transfer/load.hpp"
#include "transfer/mark.hpp"
#include "transfer/pages.hpp"
#include "transfer/refused.hpp"
#include "transfer/tables.hpp"
#include "transfer/verify.hpp"

namespace loft::transfer {
namespace {

constexpr std::size_t heavy = 8 << 20;  ///< bytes of one transaction

Error different(const std::string& how) {
  return {Code::conflict, "transfer.different",
          "the target is not the beginning of a copy of the source: " + how +
              "; name an empty target, or empty this one if nothing in it is needed"};
}

Error damaged(const std::string& how) {
  return {Code::invalid, "transfer.damaged", "the source contradicts itself: " + how};
}

class Copy {
 public:
  Copy(Storage& source, Storage& target, const CopyOptions& options)
      : source_(source), target_(target), options_(options), at_first_(source, options.count_source) {}

  Copied run();

 private:
  bool begin();
  void check_whole();

  /// Passes over what the target has already; `use` hears of each row. Then `write` of each row that is missing.
  template <class Row, class Use, class Write>
  void bring(const char* what, Pages<Row>&& source, Pages<Row>&& target, Use use, Write write);

  void conversations();
  void log();
  void followers();
  void pushes();
  void finish();

  void compare_keys();
  std::optional<ClientKey> key_of_message(const Message& message);
  void put(LogRow&& row);
  void restore();
  void flush();
  void restore_pushes();
  void commit(const Batch& batch);
  void find_refused();

  Storage& source_;
  Storage& target_;
  const CopyOptions& options_;
  Source at_first_;
  const std::string source_name_ = "the source", target_name_ = "the target";
  Copied copied_;
  Load load_;
  std::unordered_map<ConversationId, Seq> heads_;         ///< of the target, as far as its log has come
  std::unordered_map<ConversationId, HeadUpdate> moved_;  ///< by what is in `load_`
  std::uint64_t total_messages_ = 0;                      ///< 0: not known
  std::unique_ptr<Pages<Storage::StoredKey>> keys_;
  std::vector<Storage::StoredKey> orphans_;  ///< keys of messages that are gone
};

Copied Copy::run() {
  if (!begin()) return copied_;
  const auto most = options_.batch;
  const auto nothing = [](const auto&) {};
  bring("users", all_users(source_, most, source_name_), all_users(target_, most, target_name_), nothing,
        [&](User&& row) { load_.users.push_back(std::move(row)); });
  conversations();
  bring("members", all_members(source_, most, source_name_), all_members(target_, most, target_name_), nothing,
        [&](Member&& row) { load_.members.push_back(row); });
  at_first_.check_reached(copied_.found, copied_.written, 3);  // those so far: before the long part
  log();
  bring("marks", all_marks(source_, most, source_name_), all_marks(target_, most, target_name_), nothing,
        [&](MarkWrite&& row) { load_.marks.push_back(std::move(row)); });
  bring("values of plugins", all_key_values(source_, most, source_name_), all_key_values(target_, most, target_name_),
        nothing, [&](KeyValueWrite&& row) { load_.key_values.push_back(std::move(row)); });
  followers();
  pushes();
  at_first_.check_reached(copied_.found, copied_.written, std::size(kinds));
  finish();
  return copied_;
}

/// False: nothing is to be done.
bool Copy::begin() {
  if (auto finished = check_finished(source_); !finished) throw Failed(finished.error(), source_name_);
  at_first_.begin();
  const auto going_on = target_.key_value(mark_space, mark_key);
  if (!going_on) throw Failed(going_on.error(), target_name_);
  if (*going_on) return true;
  if (!is_empty(target_, target_name_)) {
    check_whole();
    return false;
  }
  if (is_empty(source_, source_name_)) {
    throw Failed(Error{Code::not_found, "transfer.empty",
                       "the source is empty: there is nothing to copy; is it the right one?"});
  }
  const KeyValueWrite mark{std::string(mark_space), std::string(mark_key), options_.from};
  Batch batch;
  batch.key_values = std::span(&mark, 1);
  commit(batch);
  return true;
}

/// A target that has no copy under way may belong to a host: it is not written to.
void Copy::check_whole() {
  const auto refuse = [](const std::string& how) {
    throw Failed(Error{Code::conflict, "transfer.different",
                       "the target is not empty, and no copy into it is under way: " + how +
                           "; name an empty target, or empty this one if nothing in it is needed"});
  };
  const auto here = source_.last_position(), there = target_.last_position();
  if (here && there && *here != *there) {
    refuse("its last position is " + std::to_string(*there) + ", that of the source is " + std::to_string(*here));
  }
  auto verified =
      verify(source_, target_, {.most = 1, .watch = options_.watch, .count = {options_.count_source, Count()}});
  if (!verified) throw Failed(verified.error());
  if (!verified->differences.empty()) refuse(verified->differences.front());
  copied_.found = verified->counts[0];
  copied_.was_whole = true;
}

template <class Row, class Use, class Write>
void Copy::bring(const char* what, Pages<Row>&& source, Pages<Row>&& target, Use use, Write write) {
  constexpr bool is_log = std::is_same_v<Row, LogRow>;
  std::uint64_t done = 0;
  const auto watch = [&] {
    const auto messages = copied_.found.messages + copied_.written.messages;
    if (options_.watch) options_.watch({what, is_log ? messages : done, is_log ? total_messages_ : 0});
  };
  for (; const Row* there = target.peek(); target.skip(), source.skip()) {
    const Row* here = source.peek();
    if (here == nullptr) throw Failed(different("it has " + named(*there) + ", which the source does not have"));
    if (key_of(*here) != key_of(*there)) {
      throw Failed(different("it has " + named(*there) + " where the source has " + named(*here)));
    }
    if (!same(*here, *there)) {
      throw Failed(different(named(*there) + " has another `" + first_difference(*here, *there) + "`"));
    }
    use(*here);
    ++counter(copied_.found, *here);
    if (++done % 4096 == 0) watch();
  }
  for (; Row* row = source.peek(); source.skip()) {
    if (const auto column = not_utf8(*row); !column.empty()) {
      throw Failed(damaged(named(*row) + " has a `" + column + "` that is not UTF-8"));
    }
    ++counter(copied_.written, *row);
    load_.bytes += weight(*row);
    ++load_.rows;
    ++done;
    write(std::move(*row));
    if (load_.rows < options_.batch && load_.bytes < heavy) continue;
    flush();
    watch();
  }
  flush();
  watch();
}

void Copy::conversations() {
  // Those of a log without its beginning are known by the first that is left.
  const auto count = [&](const StoredConversation& row) {
    heads_.emplace(row.conversation.id, 0);
    if (row.head == 0 || !options_.watch) return;
    const auto first = source_.log(row.conversation.id, 0, row.head, 1, false);
    if (!first) throw Failed(first.error(), source_name_);
    if (!first->empty()) total_messages_ += row.head - first->front().seq + 1;
  };
  bring("conversations", all_conversations(source_, options_.batch, source_name_),
        all_conversations(target_, options_.batch, target_name_), count, [&](StoredConversation&& row) {
          count(row);
          load_.conversations.push_back(std::move(row.conversation));
        });
}

void Copy::log() {
  compare_keys();
  keys_.reset(new Pages<Storage::StoredKey>(all_client_keys(source_, options_.batch, source_name_)));
  bring(
      "messages", whole_log(source_, options_.batch, source_name_), whole_log(target_, options_.batch, target_name_),
      [&](const LogRow& row) {
        const auto* message = std::get_if<Message>(&row);
        if (message == nullptr) return;
        heads_[message->conversation] = message->seq;
        static_cast<void>(key_of_message(*message));
      },
      [&](LogRow&& row) { put(std::move(row)); });
  for (; auto* key = keys_->peek(); keys_->skip()) orphans_.push_back(*key);
  restore();
  keys_.reset();
}

/// Each client key that the target has is one of the source's.
void Copy::compare_keys() {
  auto source = all_client_keys(source_, options_.batch, source_name_);
  auto target = all_client_keys(target_, options_.batch, target_name_);
  for (; const auto* there = target.peek(); target.skip()) {
    const auto* here = source.peek();
    for (; here != nullptr && here->message < there->message; here = source.peek()) source.skip();
    if (here == nullptr || here->message != there->message) {
      throw Failed(different("it has " + named(*there) + ", which the source does not have"));
    }
    if (!same(*here, *there)) {
      throw Failed(different(named(*there) + " has another `" + first_difference(*here, *there) + "`"));
    }
    ++copied_.found.client_keys;
  }
}

/// Keys come in the order of messages. Those that are passed over belong to messages that are gone.
std::optional<ClientKey> Copy::key_of_message(const Message& message) {
  for (; const auto* key = keys_->peek(); keys_->skip()) {
    if (key->message > message.id) break;
    if (key->message < message.id) {
      orphans_.push_back(*key);
      if (orphans_.size() >= options_.batch) restore();
      continue;
    }
    const auto found = key->key;
    if (key->sender != message.sender) {
      throw Failed(damaged(named(*key) + " is of another sender than the message, which is of user " +
                           std::to_string(raw(message.sender))));
    }
    keys_->skip();
    return found;
  }
  return std::nullopt;
}

void Copy::put(LogRow&& row) {
  if (auto* change = std::get_if<Change>(&row)) return load_.changes.push_back(std::move(*change));
  auto& message = std::get<Message>(row);
  const auto known = heads_.find(message.conversation);
  if (known == heads_.end()) throw Failed(damaged(named(row) + " is of a conversation that is not stored"));
  auto& head = known->second;
  if (message.seq <= head) {
    throw Failed(damaged(named(row) + " comes behind seq " + std::to_string(head) + " of that conversation"));
  }
  auto& update = moved_.try_emplace(message.conversation, HeadUpdate{message.conversation, head, 0, {}}).first->second;
  update.head = head = message.seq;
  update.last = message.id;
  load_.keys.push_back(key_of_message(message));
  copied_.written.client_keys += load_.keys.back() ? 1 : 0;
  load_.messages.push_back(std::move(message));
}

void Copy::restore() {
  if (orphans_.empty()) return;
  const auto restored = target_.restore_client_keys(orphans_);
  if (!restored) throw Failed(restored.error(), target_name_);
  copied_.written.client_keys += *restored;
  orphans_.clear();
}

void Copy::followers() {
  auto source = all_followers(source_, source_name_);
  auto target = all_followers(target_, target_name_);
  for (; const auto* here = source.peek(); source.skip()) {
    const auto* there = target.peek();
    for (; there != nullptr && there->name < here->name; there = target.peek()) {
      throw Failed(different("it has " + named(*there) + ", which the source does not have"));
    }
    if (there != nullptr && there->name == here->name) {
      if (!same(*here, *there)) throw Failed(different(named(*there) + " is another one"));
      ++copied_.found.followers;
      target.skip();
      continue;
    }
    if (auto done = target_.set_follower(here->name, here->position); !done) throw Failed(done.error(), target_name_);
    ++copied_.written.followers;
  }
  if (const auto* there = target.peek()) {
    throw Failed(different("it has " + named(*there) + ", which the source does not have"));
  }
}

void Copy::pushes() {
  const auto most = options_.batch;
  const auto nothing = [](const auto&) {};
  bring("pushes", all_pushes(source_, most, source_name_), all_pushes(target_, most, target_name_), nothing,
        [&](OwedPush&& row) { load_.pushes.push_back(std::move(row)); });
  bring("devices", all_devices(source_, most, source_name_), all_devices(target_, most, target_name_), nothing,
        [&](Device&& row) { load_.devices.push_back(std::move(row)); });
  bring("attempts to push", all_attempts(source_, most, source_name_), all_attempts(target_, most, target_name_),
        nothing, [&](PushAttempt&& row) { load_.attempts.push_back(std::move(row)); });
}

/// Where the newest messages are gone, heads are behind the log. With the last of them goes the mark.
void Copy::finish() {
  auto source = all_conversations(source_, options_.batch, source_name_);
  auto target = all_conversations(target_, options_.batch, target_name_);
  for (; const auto* here = source.peek(); source.skip(), target.skip()) {
    const auto* there = target.peek();
    if (there == nullptr || there->conversation.id != here->conversation.id) {
      throw Failed(different("it lacks " + named(*here)));
    }
    if (there->head > here->head || (there->head == here->head && there->last != here->last)) {
      throw Failed(damaged(named(*here) + " says that its last message is seq " + std::to_string(here->head) + ", id " +
                           std::to_string(raw(here->last)) + ", but its log ends with seq " +
                           std::to_string(there->head) + ", id " + std::to_string(raw(there->last))));
    }
    if (there->head == here->head) continue;
    load_.heads.push_back({here->conversation.id, there->head, here->head, here->last});
    if (load_.heads.size() >= options_.batch) flush();
  }
  at_first_.check_unchanged();
  load_.applied_upto = at_first_.last();
  load_.key_values.push_back({std::string(mark_space), std::string(mark_key), std::nullopt});
  flush();
}

/// What `bring` collects is of one kind, so this is all of the load.
void Copy::restore_pushes() {
  auto* ledger = target_.push_ledger();
  if (ledger == nullptr) {
    throw Failed(Error{Code::invalid, "transfer.refused",
                       "the source has pushes or devices, and the target's storage does not keep them: name a target "
                       "that does"});
  }
  const auto done = ledger->restore(load_.pushes, load_.attempts, load_.devices);
  if (!done) throw Failed(done.error(), target_name_);
  load_ = {};
}

void Copy::flush() {
  if (!load_.pushes.empty() || !load_.devices.empty() || !load_.attempts.empty()) return restore_pushes();
  for (const auto& [id, update] : moved_) load_.heads.push_back(update);
  std::vector<NewMessage> messages;
  messages.reserve(load_.messages.size());
  for (std::size_t i = 0; i < load_.messages.size(); ++i) messages.push_back({&load_.messages[i], load_.keys[i]});
  Batch batch;
  batch.applied_upto = load_.applied_upto;
  batch.users = load_.users;
  batch.conversations = load_.conversations;
  batch.members = load_.members;
  batch.heads = load_.heads;
  batch.messages = messages;
  batch.changes = load_.changes;
  batch.marks = load_.marks;
  batch.key_values = load_.key_values;
  if (load_.rows != 0 || !load_.heads.empty() || !load_.key_values.empty()) commit(batch);
  load_ = {};
  moved_.clear();
}

/// Messages are not looked for: what they are refused for is found out before.
void Copy::find_refused() {
  offer_singly(target_, load_.users, &Batch::users);
  offer_singly(target_, load_.conversations, &Batch::conversations);
  offer_singly(target_, load_.members, &Batch::members);
  offer_singly(target_, load_.marks, &Batch::marks);
  offer_singly(target_, load_.key_values, &Batch::key_values);
}

void Copy::commit(const Batch& batch) {
  const auto done = target_.commit(batch);
  // The last batch takes the mark away with the last heads, and must not do so alone.
  const bool is_last = !batch.key_values.empty() && !batch.key_values.back().value;
  if (!done && done.error().reason == "storage.broken" && !is_last) find_refused();
  if (!done) throw Failed(done.error(), target_name_);
  if (done->empty()) return;
  if (!done->stale.empty()) {
    const auto& stale = done->stale.front();
    throw Failed(different("conversation " + std::to_string(raw(stale.conversation)) + " has head " +
                           std::to_string(stale.head)));
  }
  const auto& duplicate = done->duplicates.front();
  throw Failed(damaged("messages " + std::to_string(raw(duplicate.original)) + " and " +
                       std::to_string(raw(batch.messages[duplicate.index].message->id)) + " have one client id"));
}

}  // namespace

Result<Copied> copy(Storage& source, Storage& target, const CopyOptions& options) {
  try {
    return Copy(source, target, options).run();
  } catch (const Failed& failed) {
    return failed.error;
  }
}

}  // namespace loft::transfer
