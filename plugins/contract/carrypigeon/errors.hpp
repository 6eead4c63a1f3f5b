// What clients hear when something fails. The one place where errors become codes and texts of this contract.
#pragma once

#include <string_view>

#include <loft/error.hpp>

namespace loft::carrypigeon {

inline constexpr int code_push = 0;  ///< of notifications
inline constexpr int code_ok = 200;

/// A failed reply: `code`, and `msg` of its data.
struct Refusal {
  int code = 500;
  std::string_view text;
};

inline constexpr Refusal malformed_args{100, "invalid request args"};  ///< missing or of the wrong type
inline constexpr Refusal value_args{100, "error args"};                ///< of the right type, out of range
inline constexpr Refusal wrong_content{100, "message type error"};
inline constexpr Refusal no_message{100, "message not found"};
inline constexpr Refusal no_login{300, "user not login"};
inline constexpr Refusal no_route{404, "route not found"};

/// The wire form of an error: by its reason, else by its code. A reason that the table does not know comes from an
/// interceptor; its own words reach the client. The text is valid as long as `error`.
Refusal refusal_of(const Error& error) noexcept;

}  // namespace loft::carrypigeon
