// An issuer inside the test: a key of Ed25519, its public half as a JWK, and tokens. Made anew in each run.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "identity/base64url.hpp"
#include "identity/jwk.hpp"

namespace loft::tests {

class Signer {
 public:
  explicit Signer(std::string kid) : kid_(std::move(kid)), key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {
    if (key_ == nullptr) throw std::runtime_error("OpenSSL makes no key");
  }

  std::string jwk() const {
    unsigned char bytes[32];
    auto size = sizeof bytes;
    EVP_PKEY_get_raw_public_key(key_.get(), bytes, &size);
    return R"({"kty":"OKP","crv":"Ed25519","kid":")" + kid_ + R"(","x":")" +
           identity::to_base64url({reinterpret_cast<const char*>(bytes), size}) + "\"}";
  }
  std::vector<identity::NamedKey> keys() const {
    return identity::read_key_set("{\"keys\":[" + jwk() + "]}", {}, false)->keys;
  }

  /// `claims` as JSON.
  std::string token(const std::string& claims) const {
    auto text =
        identity::to_base64url(R"({"alg":"EdDSA","kid":")" + kid_ + "\"}") + "." + identity::to_base64url(claims);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    unsigned char bytes[64];
    auto size = sizeof bytes;
    if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), bytes, &size, reinterpret_cast<const unsigned char*>(text.data()), text.size()) !=
            1) {
      throw std::runtime_error("OpenSSL signs nothing");
    }
    return text + "." + identity::to_base64url({reinterpret_cast<const char*>(bytes), size});
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  std::string kid_;
  std::unique_ptr<EVP_PKEY, Free> key_;
};

constexpr auto own_secret = "0123456789abcdef0123456789abcdef";

}  // namespace loft::tests
