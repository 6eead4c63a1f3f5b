#include "messaging/directory.hpp"

#include <algorithm>
#include <charconv>

#include <loft/utf8.hpp>

namespace loft {
namespace {

std::uint64_t decimal(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = !text.empty() && error == std::errc{} && stop == text.data() + text.size();
  return whole && value < id::limit ? value : 0;
}

/// The same as the storage's own spelling of that number: `007` is another handle than `7`.
UserId plain_number(std::string_view text) noexcept {
  return text.starts_with('0') ? UserId::none : static_cast<UserId>(decimal(text));
}

}  // namespace

bool is_handle(std::string_view text) noexcept {
  if (text.empty() || text.size() > 50 || text.front() == ' ' || text.back() == ' ') return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  }
  return utf8::valid(text);
}

namespace {
constexpr std::string_view erased_prefix = "erased-";
}

std::string tombstone_handle(UserId id) { return std::string(erased_prefix) + std::to_string(raw(id)); }

bool is_tombstone_handle(std::string_view handle) noexcept {
  if (!handle.starts_with(erased_prefix) || handle.size() == erased_prefix.size()) return false;
  handle.remove_prefix(erased_prefix.size());
  return handle.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_erased(const User& user) noexcept {
  const std::string_view handle = user.handle;
  return handle.starts_with(erased_prefix) && plain_number(handle.substr(erased_prefix.size())) == user.id &&
         user.id != UserId::none;
}

Error unknown_user() { return {Code::not_found, "user.unknown", "no such user"}; }

UserPtr Directory::cached(const UserRef& ref) const {
  std::lock_guard lock(mutex_);
  return cached_locked(ref);
}

UserPtr Directory::cached(UserId id) const {
  std::lock_guard lock(mutex_);
  const auto it = by_id_.find(id);
  return it != by_id_.end() ? it->second : nullptr;
}

UserPtr Directory::cached_locked(const UserRef& ref) const {
  const auto of_id = [this](UserId id) {
    const auto it = by_id_.find(id);
    return it != by_id_.end() ? it->second : nullptr;
  };
  const auto of_name = [&](const auto& map) -> UserPtr {
    const auto it = map.find(std::string_view(ref.text));
    return it != map.end() ? of_id(it->second->id) : nullptr;
  };
  switch (ref.by) {
    case UserRef::By::id:
      return of_id(static_cast<UserId>(ref.number));
    case UserRef::By::handle:
      return of_name(by_handle_);
    case UserRef::By::handle_or_id: {
      if (auto user = of_name(by_handle_)) return user;
      // A handle wins over a number: that no user has it as a handle only the storage can say.
      const auto number = plain_number(ref.text);
      return by_number_.contains(number) ? of_id(number) : nullptr;
    }
    case UserRef::By::uuid:
      return of_name(by_uuid_);
  }
  return nullptr;
}

Result<UserPtr> Directory::load(const UserRef& ref) {
  for (;;) {
    std::size_t replaced = 0, number_handles = 0;
    {
      std::lock_guard lock(mutex_);
      if (auto user = cached_locked(ref)) return user;
      replaced = replaced_;
      number_handles = number_handles_;
    }
    bool is_number = false;
    auto found = read(ref, is_number);
    if (!found) return found.error();
    if (!*found) return unknown_user();
    std::lock_guard lock(mutex_);
    if (replaced != replaced_) continue;
    auto user = add_locked(std::move(**found));
    // Unless somebody took that handle between the question and now.
    if (is_number && number_handles == number_handles_) by_number_.insert(user->id);
    return user;
  }
}

Result<std::optional<User>> Directory::read(const UserRef& ref, bool& is_number) {
  switch (ref.by) {
    case UserRef::By::id:
      if (ref.number == 0 || ref.number >= id::limit) return std::optional<User>();
      return storage_.user_by_id(static_cast<UserId>(ref.number));
    case UserRef::By::uuid:
      return storage_.user_by_uuid(ref.text);
    case UserRef::By::handle:
    case UserRef::By::handle_or_id:
      break;
  }
  if (!is_handle(ref.text)) {
    return Error{Code::invalid, "user.handle_invalid",
                 "a user's name has 1 to 50 bytes of UTF-8 without control characters and outer spaces"};
  }
  auto found = storage_.user_by_handle(ref.text);
  if (found && !*found && ref.by == UserRef::By::handle_or_id) {
    if (const auto number = decimal(ref.text)) found = storage_.user_by_id(static_cast<UserId>(number));
    is_number = plain_number(ref.text) != UserId::none;
  }
  return found;
}

UserPtr Directory::add(User user) {
  std::lock_guard lock(mutex_);
  return add_locked(std::move(user));
}

UserPtr Directory::replace(User user) {
  std::lock_guard lock(mutex_);
  ++replaced_;
  if (const auto it = by_id_.find(user.id); it != by_id_.end()) {
    const auto old = it->second;
    remove_locked(*old);
    by_id_.erase(it);
  }
  return add_locked(std::move(user));
}

UserPtr Directory::add_locked(User user) {
  if (const auto number = plain_number(user.handle); number != UserId::none) {
    ++number_handles_;
    by_number_.erase(number);
  }
  const auto it = by_id_.find(user.id);
  if (it != by_id_.end()) return it->second;
  if (by_id_.size() >= trim_at_) trim();
  auto shared = std::make_shared<const User>(std::move(user));
  by_id_.emplace(shared->id, shared);
  by_handle_.emplace(shared->handle, shared.get());
  by_uuid_.emplace(shared->uuid, shared.get());
  return shared;
}

/// Its names, which are keys into it.
void Directory::remove_locked(const User& user) {
  by_handle_.erase(user.handle);
  by_uuid_.erase(user.uuid);
}

// Everything that nobody else holds goes at once: rare, and as good as an order of use at this size.
void Directory::trim() {
  boost::unordered::erase_if(by_id_, [this](const auto& entry) {
    if (entry.second.use_count() > 1) return false;
    remove_locked(*entry.second);
    by_number_.erase(entry.first);
    return true;
  });
  ++trims_;
  trim_at_ = std::max(limit_, by_id_.size() + by_id_.size() / 4);
}

std::size_t Directory::size() const {
  std::lock_guard lock(mutex_);
  return by_id_.size();
}

std::size_t Directory::trims() const {
  std::lock_guard lock(mutex_);
  return trims_;
}

}  // namespace loft
