// Expected failures are values of these types; exceptions mean a bug or a failed start.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace loft {

/// Whose fault a failure is. Contracts map the reason first, then the code, to their wire form.
enum class Code : std::uint8_t {
  invalid,          ///< the request is wrong: malformed, out of range, unknown value
  unauthenticated,  ///< the caller has not said who it is, or could not prove it
  forbidden,        ///< known caller, not allowed
  not_found,        ///< the thing named does not exist, or not for this caller
  conflict,         ///< the state of things contradicts the request (exists already, other content)
  expired,          ///< was allowed once, the time for it is over
  too_large,        ///< over a documented limit of size or number
  overloaded,       ///< the host is at a limit; the same call may succeed later
  unavailable,      ///< a part the host depends on (storage, provider) does not answer
  internal,         ///< a bug or a broken invariant; details are in the log only
};

/// The code's name as used in logs and metrics.
constexpr std::string_view name(Code code) noexcept {
  constexpr std::string_view names[] = {"invalid", "unauthenticated", "forbidden",  "not_found",   "conflict",
                                        "expired", "too_large",       "overloaded", "unavailable", "internal"};
  return names[static_cast<std::size_t>(code)];
}

/// A failure that a client may hear of.
/// `reason` is a documented key such as `member.muted`; contracts translate it.
/// `detail` is plain English for a developer who calls the interface: it names the field or the limit and never
/// carries internals (paths, SQL, other users' data). It may be empty.
struct Error {
  Code code = Code::internal;
  std::string reason;
  std::string detail;
};

/// A value or an Error. `Result<void>` carries only success or failure.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  T& operator*() & noexcept {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& operator*() const& noexcept {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& operator*() && noexcept {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T* operator->() noexcept {
    assert(ok());
    return std::get_if<0>(&state_);
  }
  const T* operator->() const noexcept {
    assert(ok());
    return std::get_if<0>(&state_);
  }

  Error& error() noexcept {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const noexcept {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return ok(); }

  Error& error() noexcept {
    assert(!ok());
    return *error_;
  }
  const Error& error() const noexcept {
    assert(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace loft
