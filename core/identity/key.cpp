#include "identity/key.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <stdexcept>

namespace loft::identity {
namespace {

enum class Kind : std::uint8_t { secret, rsa, rsa_pss, ec, ed };

struct Traits {
  std::string_view name;
  Kind kind;
  const char* digest;     ///< null: the signature brings its own
  const char* curve;      ///< ec
  std::size_t field = 0;  ///< ec: bytes of a coordinate
};

constexpr std::array<Traits, 10> table = {{{"HS256", Kind::secret, "SHA256", nullptr},
                                           {"HS384", Kind::secret, "SHA384", nullptr},
                                           {"HS512", Kind::secret, "SHA512", nullptr},
                                           {"RS256", Kind::rsa, "SHA256", nullptr},
                                           {"RS384", Kind::rsa, "SHA384", nullptr},
                                           {"RS512", Kind::rsa, "SHA512", nullptr},
                                           {"PS256", Kind::rsa_pss, "SHA256", nullptr},
                                           {"ES256", Kind::ec, "SHA256", "prime256v1", 32},
                                           {"ES384", Kind::ec, "SHA384", "secp384r1", 48},
                                           {"EdDSA", Kind::ed, nullptr, nullptr}}};

constexpr int smallest_rsa = 2048;           // RFC 7518 §3.3
constexpr int largest_rsa = 8192;            // a check must stay cheap
constexpr std::size_t shortest_secret = 32;  // RFC 7518 §3.2, for HS256

const Traits& traits(Algorithm algorithm) { return table[static_cast<std::size_t>(algorithm)]; }

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Error bad_key(std::string detail) {
  ERR_clear_error();
  return {Code::invalid, "key", std::move(detail)};
}

template <auto F>
struct Free {
  template <class T>
  void operator()(T* value) const {
    F(value);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;

/// Why a public key of that kind cannot serve the algorithm; empty: it can.
std::string unfit(Algorithm algorithm, EVP_PKEY* key) {
  const auto& wanted = traits(algorithm);
  const auto word = std::string(wanted.name);
  if (wanted.kind == Kind::rsa || wanted.kind == Kind::rsa_pss) {
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return "is no RSA key, which " + word + " needs";
    const int bits = EVP_PKEY_get_bits(key);
    if (bits < smallest_rsa) {
      return "is an RSA key of " + std::to_string(bits) + " bits; tokens need " + std::to_string(smallest_rsa) +
             " or more, because shorter ones can be broken";
    }
    if (bits > largest_rsa) return "is an RSA key of more than " + std::to_string(largest_rsa) + " bits";
    return {};
  }
  if (wanted.kind == Kind::ed) {
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? "" : "is no Ed25519 key, which " + word + " needs";
  }
  std::array<char, 64> group{};
  std::size_t size = 0;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1 ||
      std::string_view(group.data(), size) != wanted.curve) {
    return "is no key on the curve " + std::string(wanted.field == 32 ? "P-256" : "P-384") + ", which " + word +
           " needs";
  }
  return {};
}

EVP_PKEY* build(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) return nullptr;
  return key;
}

/// r and s as they stand in a JWS, in the form that OpenSSL takes. Empty: they are no such pair.
std::string to_der(std::string_view raw, std::size_t field) {
  if (raw.size() != 2 * field) return {};
  const Signature pair(ECDSA_SIG_new());
  Number r(BN_bin2bn(bytes(raw), static_cast<int>(field), nullptr));
  Number s(BN_bin2bn(bytes(raw) + field, static_cast<int>(field), nullptr));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release()), static_cast<void>(s.release());
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &out);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return der;
}

bool looks_like_a_public_key(std::string_view secret) {
  return secret.find("-----BEGIN") != std::string_view::npos || secret.starts_with("ssh-");
}

}  // namespace

std::string_view name(Algorithm algorithm) noexcept { return traits(algorithm).name; }

std::optional<Algorithm> algorithm_named(std::string_view word) noexcept {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (table[i].name == word) return static_cast<Algorithm>(i);
  }
  return std::nullopt;
}

const std::vector<std::string>& algorithm_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& row : table) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

Result<Key> Key::take(Algorithm algorithm, evp_pkey_st* owned) {
  Key key(algorithm);
  key.public_ = std::shared_ptr<EVP_PKEY>(owned, EVP_PKEY_free);
  if (auto wrong = unfit(algorithm, owned); !wrong.empty()) return bad_key(std::move(wrong));
  return key;
}

Result<Key> Key::from_secret(Algorithm algorithm, std::string secret) {
  if (!is_secret_kind(algorithm)) return bad_key(std::string(name(algorithm)) + " takes a public key, not a secret");
  if (secret.size() < shortest_secret) {
    return bad_key("is too short: at least 32 bytes; make one with `openssl rand -hex 32`");
  }
  if (looks_like_a_public_key(secret)) {
    return bad_key(
        "is the text of a key file: whoever knows a public key could sign with it; name the file as "
        "public_key_file, with the algorithm of the key");
  }
  Key key(algorithm);
  key.secret_ = std::make_shared<const std::string>(std::move(secret));
  return key;
}

Result<Key> Key::from_pem(Algorithm algorithm, std::string_view pem) {
  if (is_secret_kind(algorithm)) return bad_key(std::string(name(algorithm)) + " takes a secret, not a public key");
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return bad_key(
        "holds a private key, which belongs to the issuer alone; make the public one with "
        "`openssl pkey -in KEY -pubout`");
  }
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) throw std::bad_alloc();
  EVP_PKEY* key = nullptr;
  if (pem.find("BEGIN CERTIFICATE") != std::string_view::npos) {
    const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate) key = X509_get_pubkey(certificate.get());
  } else {
    key = PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr);
  }
  if (key == nullptr) return bad_key("holds no public key in PEM form (-----BEGIN PUBLIC KEY-----)");
  return take(algorithm, key);
}

Result<Key> Key::from_rsa(Algorithm algorithm, std::string_view modulus, std::string_view exponent) {
  if (modulus.empty() || modulus.size() > largest_rsa / 8 + 1 || exponent.empty() || exponent.size() > 8) {
    return bad_key("has no usable modulus and exponent");
  }
  const Builder builder(OSSL_PARAM_BLD_new());
  const Number n(BN_bin2bn(bytes(modulus), static_cast<int>(modulus.size()), nullptr));
  const Number e(BN_bin2bn(bytes(exponent), static_cast<int>(exponent.size()), nullptr));
  if (!builder || !n || !e) throw std::bad_alloc();
  if (BN_is_odd(e.get()) != 1 || BN_is_one(e.get()) == 1) return bad_key("has an exponent that is even or 1");
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  auto* const key = build("RSA", builder.get());
  if (key == nullptr) return bad_key("has no usable modulus and exponent");
  return take(algorithm, key);
}

Result<Key> Key::from_point(Algorithm algorithm, std::string_view x, std::string_view y) {
  const auto& wanted = traits(algorithm);
  if (wanted.kind != Kind::ec || x.size() != wanted.field || y.size() != wanted.field) {
    return bad_key("has coordinates of another length than its curve");
  }
  const auto point = "\x04" + std::string(x) + std::string(y);
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder) throw std::bad_alloc();
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, wanted.curve, 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  auto* const key = build("EC", builder.get());
  if (key == nullptr) return bad_key("is no point of its curve");
  return take(algorithm, key);
}

Result<Key> Key::from_ed25519(std::string_view x) {
  auto* const key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(x), x.size());
  if (key == nullptr) return bad_key("is no Ed25519 key");
  return take(Algorithm::eddsa, key);
}

bool Key::verify(std::string_view text, std::string_view signature) const {
  const auto& how = traits(algorithm_);
  if (how.kind == Kind::secret) {
    const auto expected = sign(text);
    return signature.size() == expected.size() &&
           CRYPTO_memcmp(signature.data(), expected.data(), expected.size()) == 0;
  }
  std::string der;
  if (how.kind == Kind::ec) {
    der = to_der(signature, how.field);
    if (der.empty()) return false;
    signature = der;
  }
  const Digest digest(EVP_MD_CTX_new());
  if (!digest) throw std::bad_alloc();
  EVP_PKEY_CTX* context = nullptr;  // the digest's
  bool good =
      EVP_DigestVerifyInit_ex(digest.get(), &context, how.digest, nullptr, nullptr, public_.get(), nullptr) == 1;
  if (good && how.kind == Kind::rsa_pss) {
    good = EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  good = good && EVP_DigestVerify(digest.get(), bytes(signature), signature.size(), bytes(text), text.size()) == 1;
  ERR_clear_error();  // a refused signature leaves words there, which a TLS connection of this thread would take for
                      // its own
  return good;
}

std::string Key::sign(std::string_view text) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  const auto* const digest = EVP_get_digestbyname(traits(algorithm_).digest);
  const auto* const done =
      HMAC(digest, secret_->data(), static_cast<int>(secret_->size()), bytes(text), text.size(), out.data(), &size);
  if (done == nullptr) throw std::runtime_error("OpenSSL cannot compute an HMAC");
  return {reinterpret_cast<const char*>(out.data()), size};
}

}  // namespace loft::identity
