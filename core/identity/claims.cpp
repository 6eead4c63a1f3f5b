#include "identity/claims.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include <loft/contract_tools.hpp>
#include <loft/uuid.hpp>

namespace loft::identity {
namespace {

/// A NumericDate: seconds since 1970, a fraction is cut off. Returns false where the claim is there and is none.
bool seconds(const json::Value& value, std::optional<Millis>& out) {
  if (missing(value)) return true;
  if (!value.is(json::Type::number)) return false;
  const auto raw = value.raw();
  const auto whole = raw.substr(0, raw.find('.'));
  if (raw.find_first_of("eE") != Bytes::npos) return false;
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(whole.data(), whole.data() + whole.size(), number);
  if (error != std::errc{} || stop != whole.data() + whole.size()) return false;
  // Far beyond any calendar; keeps the sums below from overflowing.
  constexpr std::int64_t edge = std::numeric_limits<std::int64_t>::max() / 4000;
  out = std::clamp<std::int64_t>(number, -edge, edge) * 1000;
  return true;
}

/// A text, or a whole number as one; nullopt for anything else.
std::optional<std::string> word(const json::Value& value) {
  if (auto text = value.text()) return text;
  if (const auto number = value.integer()) return std::to_string(*number);
  return std::nullopt;
}

bool has_audience(const json::Value& given, std::string_view audience) {
  bool found = given.equals(audience);
  given.elements([&](const json::Value& each) {
    found = found || each.equals(audience);
    return !found;
  });
  return found;
}

/// Whom the claim names that the contract asks for.
Result<UserRef> named(const json::Value& object, const TokenRules& wanted) {
  const auto value = object.find(wanted.claim);
  const auto text = value ? word(*value) : std::nullopt;
  if (!text || text->empty()) return malformed("the claim that names the user is missing, or no text");
  switch (wanted.names) {
    case UserRef::By::id: {
      const auto number = value->integer_or_text();
      if (!number || *number <= 0) return malformed("the claim that names the user must be a positive whole number");
      return UserRef::of(static_cast<UserId>(*number));
    }
    case UserRef::By::uuid: {
      auto lower = *text;
      for (auto& c : lower) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
      if (!is_uuid(lower)) return malformed("the claim that names the user must be a UUID");
      return UserRef::uuid(std::move(lower));
    }
    case UserRef::By::handle:
      return UserRef::handle(*text);
    case UserRef::By::handle_or_id:
      return UserRef::handle_or_id(*text);
  }
  return malformed("the claim that names the user has no meaning");
}

/// The three claims of the host's own tokens. With `lenient` (another claim names the user) foreign ones of the same
/// name do no harm.
Result<Claims> own_claims(const json::Value& sub, const json::Value& uid, const json::Value& id, bool lenient) {
  Claims claims;
  auto subject = missing(sub) ? std::string() : word(sub);
  auto handle = missing(uid) ? std::string() : word(uid);
  if (!subject && !lenient) return malformed("sub must be a text");
  if (!handle && !lenient) return malformed("uid must be a text");
  claims.subject = std::move(subject).value_or("");
  claims.handle = std::move(handle).value_or("");
  if (!missing(id)) {
    const auto number = id.integer_or_text();
    const bool good = number && *number > 0;
    if (!good && !lenient) return malformed("userId must be a positive whole number");
    if (good) claims.user_id = static_cast<std::uint64_t>(*number);
  }
  if (!lenient && claims.subject.empty() && claims.handle.empty() && claims.user_id == 0) {
    return malformed("no claim names a user");
  }
  return claims;
}

}  // namespace

Result<Claims> judge(const json::Value& object, const Vouching& vouching, const ClaimRules& rules,
                     const TokenRules& wanted, Millis now) {
  const auto [issuer, audience, exp, nbf, sub, uid, user_id, service] =
      pick<8>(object, {"iss", "aud", "exp", "nbf", "sub", "uid", "userId", "loft_service"});
  if (!vouching.issuer.empty() && !issuer.equals(vouching.issuer)) {
    return refuse("token.forged", "the issuer is another one");
  }
  if (!vouching.audience.empty() && !has_audience(audience, vouching.audience)) {
    return refuse("token.forged", "the token is meant for another audience");
  }
  std::optional<Millis> expires;
  std::optional<Millis> begins;
  if (!seconds(exp, expires) || !seconds(nbf, begins)) {
    return malformed("exp and nbf must be numbers of seconds since 1970");
  }
  if (!expires && rules.require_exp) return malformed("exp is missing: a token must end");
  if (expires && now >= *expires + rules.leeway) return refuse("token.expired", "the token has expired");
  if (begins && now < *begins - rules.leeway) return refuse("token.not_yet", "the token is not valid yet");
  auto claims = own_claims(sub, uid, user_id, !wanted.claim.empty());
  if (!claims) return claims;
  if (!wanted.claim.empty()) {
    auto ref = named(object, wanted);
    if (!ref) return ref.error();
    claims->named = std::move(*ref);
  }
  claims->service = vouching.services && service.boolean() == true;
  if (expires) {
    claims->expires = std::max<Millis>(*expires, 1);
    claims->believed_until = *expires + rules.leeway;
  }
  return claims;
}

}  // namespace loft::identity
