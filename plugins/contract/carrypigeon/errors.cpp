#include "carrypigeon/errors.hpp"

#include <algorithm>
#include <array>

namespace loft::carrypigeon {
namespace {

struct Row {
  std::string_view reason;
  Refusal refusal;
};

// Sorted by reason.
constexpr std::array rows{
    Row{"application.unknown", no_application},
    Row{"application.waiting", applied_already},
    Row{"content.forbidden_word", {100, "message has a forbidden word"}},
    Row{"content.invalid", wrong_content},
    Row{"content.too_large", {100, "message too large"}},
    Row{"conversation.not_a_group", not_owner},
    Row{"conversation.read_only", {300, "this channel is read-only"}},
    Row{"conversation.too_few", value_args},
    Row{"conversation.too_many_members", {100, "too many channel members"}},
    Row{"conversation.unknown", no_channel},
    Row{"domain.service_only", {300, "system messages are sent by the operator"}},
    Row{"domain.unknown", wrong_content},
    Row{"key.changed", busy},  // many at once changed the same application
    Row{"member.already", member_already},
    Row{"member.muted", {300, "user is banned in this channel"}},
    Row{"member.none", {300, "you are not in this channel"}},
    Row{"member.owner_stays", {100, "the owner cannot leave this channel"}},
    Row{"member.unknown", no_member},
    Row{"message.unknown", no_message},
    Row{"rate.limited", {300, "too many requests, try again later"}},
    Row{"recall.expired", {100, "message delete timeout"}},
    Row{"recall.not_yours", {300, "no permission to delete message"}},
    Row{"role.invalid", value_args},
    Row{"role.required", not_admin},
    Row{"token.algorithm", bad_token},
    Row{"token.expired", bad_token},
    Row{"token.forged", bad_token},
    Row{"token.malformed", bad_token},
    Row{"token.missing", bad_token},
    Row{"token.not_yet", bad_token},
    Row{"user.blocked", {300, "you are blocked by this user"}},
    Row{"user.handle_invalid", {100, "user not found"}},
    Row{"user.profile_invalid", value_args},
    Row{"user.unknown", {100, "user not found"}},
};
static_assert(std::ranges::is_sorted(rows, {}, &Row::reason));

// In the order of Code.
constexpr std::array by_code{
    value_args,                                            // invalid
    no_login,                                              // unauthenticated
    Refusal{300, "no permission"},                         // forbidden
    Refusal{100, "not found"},                             // not_found
    Refusal{100, "conflict"},                              // conflict
    Refusal{100, "too late"},                              // expired
    Refusal{100, "too large"},                             // too_large
    busy,                                                  // overloaded
    Refusal{500, "service unavailable, try again later"},  // unavailable
    Refusal{500, "internal error"},                        // internal
};
static_assert(by_code.size() == static_cast<std::size_t>(Code::internal) + 1);

}  // namespace

Refusal refusal_of(const Error& error) noexcept {
  const auto row = std::ranges::lower_bound(rows, std::string_view(error.reason), {}, &Row::reason);
  if (row != rows.end() && row->reason == error.reason) return row->refusal;
  // Further checks of a domain plugin.
  if (error.reason.starts_with("content.")) return wrong_content;
  Refusal refusal = by_code[static_cast<std::size_t>(error.code)];
  // Why the host itself is in trouble is the operator's business.
  if (refusal.code == 500) return refusal;
  if (!error.detail.empty())
    refusal.text = error.detail;
  else if (!error.reason.empty())
    refusal.text = error.reason;
  return refusal;
}

Refusal login_refusal(const Error& error) noexcept {
  const bool is_unknown = error.reason == "user.unknown" || error.reason == "user.handle_invalid";
  return is_unknown ? unknown_login : refusal_of(error);
}

Refusal business(Refusal refusal) noexcept {
  constexpr std::array logins{no_login.text, bad_token.text, unknown_login.text};
  if (refusal.code == 300 && std::ranges::find(logins, refusal.text) == logins.end()) refusal.code = 100;
  return refusal;
}

}  // namespace loft::carrypigeon
