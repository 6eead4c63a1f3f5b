#include "messaging/stored_state.hpp"

#include <loft/utf8.hpp>

namespace loft {
namespace {

constexpr std::size_t key_bytes = 200;
constexpr std::size_t value_bytes = 64 << 10;

/// What stands in the way of a write; empty: nothing.
std::string wrong_with(const std::string& key, const std::optional<std::string>& value) {
  if (key.empty() || key.size() > key_bytes || !utf8::valid(key)) return "a key has 1 to 200 bytes of UTF-8";
  if (value && (value->size() > value_bytes || !utf8::valid(*value)))
    return "the value of key " + key + " is not UTF-8 of at most 64 KiB";
  return {};
}

}  // namespace

std::string state_key(ConversationId conversation, std::string_view key) {
  return "conversation/" + std::to_string(raw(conversation)) + "/" += key;
}

StoredState::StoredState(Storage& storage, std::string space, ConversationId conversation)
    : storage_(storage), space_(std::move(space)), conversation_(conversation) {}

std::optional<std::string> StoredState::get(std::string_view key) {
  for (const auto* values : {&written_, &kept_}) {
    if (const auto it = values->find(key); it != values->end()) return it->second;
  }
  return stored(key);
}

std::optional<std::string> StoredState::stored(std::string_view key) {
  if (conversation_ == ConversationId::none || failed_) return std::nullopt;
  auto found = storage_.key_value(space_, state_key(conversation_, key));
  if (found) return std::move(*found);
  failed_ = std::move(found.error());
  return std::nullopt;
}

// Two sorted rows of values become one; of a key in both the newer stands.
std::vector<KeyValue> StoredState::list(std::string_view prefix, std::string_view after, std::size_t limit) {
  auto newer = kept_;
  for (const auto& [key, value] : written_) newer.insert_or_assign(key, value);
  auto next = after < prefix ? newer.lower_bound(prefix) : newer.upper_bound(after);
  std::vector<KeyValue> found;
  std::vector<Storage::StoredValue> page;
  std::size_t at = 0;
  const auto own = state_key(conversation_, {}).size();
  bool more = conversation_ != ConversationId::none;
  std::string behind(after);
  while (found.size() < limit) {
    if (at == page.size() && more && !failed_) {
      auto read =
          storage_.key_values(space_, state_key(conversation_, prefix), state_key(conversation_, behind), limit);
      if (!read) failed_ = std::move(read.error());
      page = read ? std::move(*read) : std::vector<Storage::StoredValue>();
      for (auto& row : page) row.key.erase(0, own);
      more = page.size() == limit;
      at = 0;
      if (!page.empty()) behind = page.back().key;
    }
    const bool has_new = next != newer.end() && next->first.starts_with(prefix);
    const bool has_old = at < page.size();
    if (!has_new && !has_old) break;
    if (has_new && (!has_old || next->first <= page[at].key)) {
      if (has_old && next->first == page[at].key) ++at;
      if (next->second) found.push_back({next->first, *next->second});
      ++next;
    } else {
      found.push_back({std::move(page[at].key), std::move(page[at].value)});
      ++at;
    }
  }
  return found;
}

void StoredState::put(std::string key, std::string value) { write(std::move(key), std::move(value)); }
void StoredState::remove(std::string key) { write(std::move(key), std::nullopt); }

void StoredState::write(std::string key, std::optional<std::string> value) {
  if (auto wrong = wrong_with(key, value); !wrong.empty()) {
    if (!failed_) failed_ = Error{Code::internal, "domain.failed", std::move(wrong)};
    return;
  }
  written_.insert_or_assign(std::move(key), std::move(value));
}

void StoredState::keep() {
  for (auto& [key, value] : written_) kept_.insert_or_assign(key, std::move(value));
  undo();
}

void StoredState::undo() {
  written_.clear();
  failed_.reset();
}

std::vector<KeyChange> StoredState::changes() const {
  std::vector<KeyChange> all;
  for (const auto& [key, value] : kept_) all.push_back({key, value, {}});
  return all;
}

}  // namespace loft
