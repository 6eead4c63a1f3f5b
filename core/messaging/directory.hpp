// Users in memory.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <loft/error.hpp>
#include <loft/message.hpp>
#include <loft/storage.hpp>

namespace loft {

using UserPtr = std::shared_ptr<const User>;

/// Whether a handle may be given to a user: 1–50 bytes of UTF-8 without control characters and outer spaces.
bool is_handle(std::string_view text) noexcept;

/// An erased user's handle, `erased-<uid>`; nobody else can have one of that form.
std::string tombstone_handle(UserId id);
bool is_tombstone_handle(std::string_view handle) noexcept;
/// Whether the user is erased: nobody can log in as it, write to it or find it by a name.
bool is_erased(const User& user) noexcept;
Error unknown_user();

/// A bounded cache of users over the storage. Thread role: any; `load` waits for the storage, so never on an I/O thread
/// unless the storage is instant.
class Directory {
 public:
  Directory(Storage& storage, std::size_t limit) : storage_(storage), limit_(limit), trim_at_(limit) {}

  /// From memory only; null when it is not there.
  UserPtr cached(const UserRef& ref) const;
  UserPtr cached(UserId id) const;

  /// From memory or the storage. Errors: not_found `user.unknown`; invalid `user.handle_invalid`; the storage's.
  Result<UserPtr> load(const UserRef& ref);
  Result<UserPtr> load(UserId id) { return load(UserRef::of(id)); }

  /// A user that was just stored: a new one …
  UserPtr add(User user);
  /// … or one that was there and is changed.
  UserPtr replace(User user);

  std::size_t size() const;
  std::size_t trims() const;  ///< how often all users were looked through

 private:
  UserPtr cached_locked(const UserRef& ref) const;
  Result<std::optional<User>> read(const UserRef& ref, bool& is_number);
  UserPtr add_locked(User user);
  void remove_locked(const User& user);
  void trim();

  Storage& storage_;
  const std::size_t limit_;
  std::size_t trim_at_;  ///< moves up while most users are held, so that trimming stays rare
  std::size_t trims_ = 0;
  std::size_t replaced_ = 0;        ///< what was read before the latest change may be older than it
  std::size_t number_handles_ = 0;  ///< how many users whose handle is a number came in so far
  mutable std::mutex mutex_;
  boost::unordered_flat_map<UserId, UserPtr> by_id_;
  // The keys are views into the users themselves.
  boost::unordered_flat_map<std::string_view, const UserPtr::element_type*> by_handle_;
  boost::unordered_flat_map<std::string_view, const UserPtr::element_type*> by_uuid_;
  // Users here whose id in decimal is nobody's handle: the storage said so, and nobody has come since.
  boost::unordered_flat_set<UserId> by_number_;
};

}  // namespace loft
