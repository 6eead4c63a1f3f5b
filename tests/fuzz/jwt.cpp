// Tokens and sets of keys, as strangers send them. Nobody knows the secret, so no token may be believed; claims that
// the host signed itself are read whatever they are.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <openssl/rand.h>

#include "core/identity/base64url.hpp"
#include "core/identity/jwk.hpp"
#include "core/identity/jwt.hpp"

namespace {

struct FixedClock final : loft::Clock {
  loft::Millis now() const noexcept override { return 1'760'000'000'000; }
  loft::Millis steady() const noexcept override { return 0; }
};

std::string random_secret() {
  std::string bytes(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) != 1) std::abort();
  return loft::identity::to_base64url(bytes);
}

void check(const loft::Identity& identity, const std::string& token, bool may_be_good) {
  using By = loft::UserRef::By;
  for (const auto by : {By::id, By::handle, By::handle_or_id, By::uuid}) {
    const auto claims = identity.verify(token, loft::TokenRules{"sub", by, {}});
    if (claims && !may_be_good) std::abort();
    if (claims && !claims->named) std::abort();
  }
  const auto claims = identity.verify(token);
  if (claims && (!may_be_good || claims->service)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loft::identity;
  static const FixedClock clock;
  static const std::string secret = random_secret();
  static const loft::JwtIdentity identity(random_secret(), "", 0, clock);
  // Believes what this file signs, but not that it is a service.
  static loft::JwtIdentity foreign(random_secret(), "", 0, clock);
  static const auto key = Key::from_secret(Algorithm::hs256, secret);
  static const bool once = (foreign.ring().put(foreign.ring().add({}, false), {{*key, "k"}}), true);
  static_cast<void>(once);
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      check(identity, text, false);
      break;
    case 1: {
      const auto body = to_base64url(R"({"alg":"HS256","kid":"k"})") + "." + to_base64url(text);
      check(foreign, body + "." + to_base64url(key->sign(body)), true);
      break;
    }
    case 2: {
      const auto body = to_base64url(text) + "." + to_base64url(R"({"sub":"ann","exp":1999999999})");
      check(identity, body + "." + to_base64url(text), false);
      break;
    }
    default:
      if (const auto set = read_key_set(text, std::nullopt, size % 2 == 0); set && set->keys.empty()) std::abort();
      if (const auto bytes = from_base64url(text); bytes && to_base64url(*bytes) != text) std::abort();
  }
  return 0;
}
