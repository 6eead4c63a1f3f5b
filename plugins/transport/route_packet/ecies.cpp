#include "ecies.hpp"

#include <algorithm>
#include <cstdint>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base64.hpp"

namespace loft::route_packet {
namespace {

constexpr char curve[] = "prime256v1";  // OpenSSL's name of P-256
constexpr std::size_t mac_key_size = 16;
constexpr std::size_t tag_size = 20;  // of SHA-1

using Context = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

const unsigned char* bytes_of(Bytes text) noexcept { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) noexcept { return reinterpret_cast<unsigned char*>(text.data()); }

/// The length of an encoded point, by its first byte; 0 where that is none of a point.
std::size_t point_size(unsigned char first) noexcept {
  if (first == 2 || first == 3) return 33;
  return first == 4 || first == 6 || first == 7 ? 65 : 0;
}

/// KDF2 of IEEE 1363a with SHA-1: so many bytes from a secret, counting from 1.
std::string derive(const std::string& secret, std::size_t size) {
  std::string out;
  for (std::uint32_t counter = 1; out.size() < size; ++counter) {
    std::string block = secret;
    for (int shift = 24; shift >= 0; shift -= 8) block += static_cast<char>(counter >> shift);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_Digest(block.data(), block.size(), digest, &length, EVP_sha1(), nullptr) != 1) return {};
    out.append(reinterpret_cast<const char*>(digest), length);
  }
  out.resize(size);
  return out;
}

bool tag_holds(Bytes key, const std::string& text, Bytes tag) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), bytes_of(Bytes(text)), text.size(), digest, &length) ==
      nullptr) {
    return false;
  }
  return length == tag.size() && CRYPTO_memcmp(digest, tag.data(), length) == 0;
}

std::string unmask(Bytes masked, Bytes stream) {
  std::string out(masked);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ stream[i]);
  return out;
}

/// No passphrase is ever asked for on a terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

bool is_on_curve(const EVP_PKEY* key) {
  char name[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name, &size) == 1 &&
         Bytes(name, size) == curve;
}

}  // namespace

void ServerKey::Free::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }

ServerKey::Key ServerKey::read(Bytes text) {
  Key key;
  if (text.find("-----BEGIN") != Bytes::npos) {
    const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
    key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr));
  } else if (const auto der = base64_decode(text)) {
    const auto* at = bytes_of(Bytes(*der));
    key.reset(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der->size())));
  }
  ERR_clear_error();
  return key;
}

Result<ServerKey> ServerKey::load(Bytes text) {
  const auto bad = [](const char* what) {
    return Error{Code::invalid, "private_key",
                 std::string("the private key ") + what +
                     "; give a P-256 key as PEM or as base64 of PKCS#8, such as `openssl genpkey -algorithm EC "
                     "-pkeyopt ec_paramgen_curve:P-256` makes"};
  };
  if (text.size() > 16 * 1024) return bad("is too long for one");
  auto key = read(text);
  if (key == nullptr) return bad("cannot be read");
  if (!is_on_curve(key.get())) return bad("is of another kind or curve");
  return ServerKey(std::move(key));
}

std::optional<std::string> ServerKey::agree(Bytes point) const {
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(curve), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<char*>(point.data()), point.size()),
      OSSL_PARAM_construct_end()};
  const Context maker(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr), &EVP_PKEY_CTX_free);
  EVP_PKEY* made = nullptr;
  if (maker == nullptr || EVP_PKEY_fromdata_init(maker.get()) != 1 ||
      EVP_PKEY_fromdata(maker.get(), &made, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(parameters)) != 1) {
    return std::nullopt;
  }
  const Key peer(made);
  const Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr), &EVP_PKEY_CTX_free);
  std::string secret(32, '\0');
  std::size_t size = secret.size();
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
      EVP_PKEY_derive(context.get(), bytes_of(secret), &size) != 1 || size != secret.size()) {
    return std::nullopt;
  }
  return secret;
}

std::optional<std::string> ServerKey::open(Bytes sealed) const {
  const auto size = sealed.empty() ? 0 : point_size(static_cast<unsigned char>(sealed[0]));
  if (size == 0 || sealed.size() < size + tag_size) return std::nullopt;
  const auto point = sealed.substr(0, size);
  const auto masked = sealed.substr(size, sealed.size() - size - tag_size);
  const auto tag = sealed.substr(sealed.size() - tag_size);
  const auto secret = agree(point);
  ERR_clear_error();
  if (!secret) return std::nullopt;
  const auto length = mac_key_size + masked.size();

  // BouncyCastle: the point is part of the secret, the key of the tag comes first, and the tag covers the length of
  // an encoding parameter that is empty.
  const auto theirs = derive(std::string(point) + *secret, length);
  if (theirs.size() == length &&
      tag_holds(Bytes(theirs).substr(0, mac_key_size), std::string(masked) + std::string(8, '\0'), tag)) {
    return unmask(masked, Bytes(theirs).substr(mac_key_size));
  }
  // The desktop client: none of the three.
  const auto desktop = derive(*secret, length);
  if (desktop.size() == length && tag_holds(Bytes(desktop).substr(masked.size()), std::string(masked), tag)) {
    return unmask(masked, desktop);
  }
  return std::nullopt;
}

}  // namespace loft::route_packet
