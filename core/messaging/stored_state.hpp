// What a domain plugin sees of its state of one conversation: what is stored, and on top of it what calls have written
// that are not stored yet.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <loft/domain.hpp>
#include <loft/storage.hpp>

namespace loft {

/// Where a key of a conversation's state is among a plugin's keys.
std::string state_key(ConversationId conversation, std::string_view key);

/// Thread role: pool.
class StoredState final : public PluginState {
 public:
  /// `conversation` none: it does not exist yet, and has no state.
  StoredState(Storage& storage, std::string space, ConversationId conversation);

  std::optional<std::string> get(std::string_view key) override;
  std::vector<KeyValue> list(std::string_view prefix, std::string_view after, std::size_t limit) override;
  void put(std::string key, std::string value) override;
  void remove(std::string key) override;

  /// Ends a call: what it wrote stands for those after it, or is forgotten.
  void keep();
  void undo();
  /// What went wrong in the call that has not been ended.
  const std::optional<Error>& failed() const noexcept { return failed_; }

  /// What calls have written that were kept; by the plugin's own keys.
  std::vector<KeyChange> changes() const;
  bool is_changed() const noexcept { return !kept_.empty(); }

 private:
  using Values = std::map<std::string, std::optional<std::string>, std::less<>>;
  void write(std::string key, std::optional<std::string> value);
  std::optional<std::string> stored(std::string_view key);

  Storage& storage_;
  const std::string space_;
  const ConversationId conversation_;
  Values kept_;
  Values written_;  ///< by the call that is under way
  std::optional<Error> failed_;
};

}  // namespace loft
