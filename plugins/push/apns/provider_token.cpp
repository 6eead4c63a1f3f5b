#include "apns/provider_token.hpp"

#include <loft/json_writer.hpp>

namespace loft::push {
namespace {

std::string header_of(const std::string& key_id) {
  std::string out;
  json::Writer(out).object().key("alg").string("ES256").key("kid").string(key_id).end_object();
  return out;
}

}  // namespace

ProviderToken::ProviderToken(Signer signer, std::string key_id, std::string team_id, const Clock& clock)
    : signer_(std::move(signer)), header_(header_of(key_id)), team_id_(std::move(team_id)), clock_(clock) {}

std::string ProviderToken::current() {
  const std::lock_guard lock(mutex_);
  if (token_.empty() || clock_.steady() - made_ >= longest_age) make();
  return token_;
}

std::optional<std::string> ProviderToken::renew(const std::string& refused) {
  const std::lock_guard lock(mutex_);
  if (refused != token_) return token_;
  if (renewed_ && clock_.steady() - *renewed_ < shortest_age) return std::nullopt;
  make();
  renewed_ = made_;
  return token_;
}

void ProviderToken::make() {
  std::string claims;
  json::Writer(claims).object().key("iss").string(team_id_).key("iat").number(clock_.now() / 1000).end_object();
  token_ = signer_.jwt(header_, claims);
  made_ = clock_.steady();
}

}  // namespace loft::push
