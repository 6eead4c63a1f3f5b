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
inline constexpr Refusal bad_token{300, "invalid or expired token"};
inline constexpr Refusal unknown_login{300, "user not found"};  ///< whom a good token names
inline constexpr Refusal not_owner{300, "you are not the owner of this channel"};
inline constexpr Refusal not_admin{300, "you are not the admin of this channel"};
inline constexpr Refusal not_invited{300, "this channel is by invitation only"};
inline constexpr Refusal admin_not_banned{300, "cannot ban channel admin"};
inline constexpr Refusal no_member{100, "channel member not found"};
inline constexpr Refusal no_channel{100, "channel not found"};
inline constexpr Refusal no_application{100, "application not found"};
inline constexpr Refusal applied_already{100, "you have applied already"};
inline constexpr Refusal processed_already{100, "this application is processed already"};
inline constexpr Refusal member_already{100, "already a member of this channel"};
inline constexpr Refusal busy{500, "server busy, try again later"};
inline constexpr Refusal no_route{404, "route not found"};

/// The wire form of an error: by its reason, else by its code. A reason that the table does not know comes from an
/// interceptor; its own words reach the client. The text is valid as long as `error`.
Refusal refusal_of(const Error& error) noexcept;

/// The same for a login, whose token was good: a user that this host does not know is nobody it could let in, not
/// something the request asked for in vain.
Refusal login_refusal(const Error& error) noexcept;

/// As the original server has it: 300 only for who is not logged in.
Refusal business(Refusal refusal) noexcept;

}  // namespace loft::carrypigeon
