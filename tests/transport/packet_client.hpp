// The client's side of encrypted packets, written from the document and not from the code under test.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>

namespace loft::test {

inline const unsigned char* raw_bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
inline unsigned char* raw_bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
inline void must(bool ok) {
  if (!ok) throw std::runtime_error("OpenSSL refused");
}

inline std::string to_base64(const std::string& bytes) {
  std::string out(bytes.size() / 3 * 4 + 5, '\0');
  out.resize(
      static_cast<std::size_t>(EVP_EncodeBlock(raw_bytes(out), raw_bytes(bytes), static_cast<int>(bytes.size()))));
  return out;
}

inline std::string from_base64(const std::string& text) {
  std::string out(text.size(), '\0');
  const int size = EVP_DecodeBlock(raw_bytes(out), raw_bytes(text), static_cast<int>(text.size()));
  must(size >= 0);
  out.resize(static_cast<std::size_t>(size) - (text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0));
  return out;
}

inline std::string number(std::uint64_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(value >> 8 * bytes);
  return out;
}

/// A fresh private key of that curve, as base64.
inline std::string private_der(const char* curve) {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen(curve), &EVP_PKEY_free);
  unsigned char* der = nullptr;
  const int size = i2d_PrivateKey(key.get(), &der);
  must(size > 0);
  const std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return to_base64(out);
}

/// How a client seals its key.
struct Seal {
  bool desktop = false;  ///< as CarryPigeon's desktop client
  point_conversion_form_t point = POINT_CONVERSION_UNCOMPRESSED;
};

/// `text` sealed for the public key that `public_der` (SubjectPublicKeyInfo) holds.
inline std::string seal(const std::string& public_der, const std::string& text, Seal how = {}) {
  const auto* at = raw_bytes(public_der);
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> server(
      d2i_PUBKEY(nullptr, &at, static_cast<long>(public_der.size())), &EVP_PKEY_free);
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> own(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  must(server != nullptr && own != nullptr);
  const char* form = how.point == POINT_CONVERSION_COMPRESSED ? "compressed"
                     : how.point == POINT_CONVERSION_HYBRID   ? "hybrid"
                                                              : "uncompressed";
  must(EVP_PKEY_set_utf8_string_param(own.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form) == 1);
  std::string v(80, '\0');
  std::size_t size = 0;
  must(EVP_PKEY_get_octet_string_param(own.get(), OSSL_PKEY_PARAM_PUB_KEY, raw_bytes(v), v.size(), &size) == 1);
  v.resize(size);
  std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(EVP_PKEY_CTX_new(own.get(), nullptr),
                                                                      &EVP_PKEY_CTX_free);
  std::string z(32, '\0');
  size = z.size();
  must(EVP_PKEY_derive_init(context.get()) == 1 && EVP_PKEY_derive_set_peer(context.get(), server.get()) == 1 &&
       EVP_PKEY_derive(context.get(), raw_bytes(z), &size) == 1);
  std::string k;
  for (std::uint32_t i = 1; k.size() < text.size() + 16; ++i) {
    const auto block = (how.desktop ? z : v + z) + number(i, 4);
    unsigned char digest[20];
    must(EVP_Digest(block.data(), block.size(), digest, nullptr, EVP_sha1(), nullptr) == 1);
    k.append(reinterpret_cast<char*>(digest), 20);
  }
  const auto mac_key = how.desktop ? k.substr(text.size(), 16) : k.substr(0, 16);
  const auto stream = how.desktop ? k.substr(0, text.size()) : k.substr(16, text.size());
  std::string c = text;
  for (std::size_t i = 0; i < c.size(); ++i) c[i] = static_cast<char>(c[i] ^ stream[i]);
  const auto tagged = how.desktop ? c : c + std::string(8, '\0');
  unsigned char tag[20];
  unsigned length = 0;
  HMAC(EVP_sha1(), mac_key.data(), 16, raw_bytes(tagged), tagged.size(), tag, &length);
  return v + c + std::string(reinterpret_cast<char*>(tag), length);
}

inline std::string associated(std::int64_t sequence, std::int64_t session, std::int64_t time) {
  return number(static_cast<std::uint64_t>(sequence), 4) + number(static_cast<std::uint64_t>(session), 8) +
         number(static_cast<std::uint64_t>(time), 8);
}

inline const EVP_CIPHER* gcm(std::size_t key) {
  return key == 16 ? EVP_aes_128_gcm() : key == 24 ? EVP_aes_192_gcm() : EVP_aes_256_gcm();
}

/// nonce | associated data | encrypted text | tag
inline std::string encrypt(const std::string& key, const std::string& nonce, const std::string& aad,
                           const std::string& text) {
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string out(text.size() + 16, '\0');
  int size = 0;
  must(EVP_EncryptInit_ex(context.get(), gcm(key.size()), nullptr, raw_bytes(key), raw_bytes(nonce)) == 1 &&
       EVP_EncryptUpdate(context.get(), nullptr, &size, raw_bytes(aad), static_cast<int>(aad.size())) == 1 &&
       EVP_EncryptUpdate(context.get(), raw_bytes(out), &size, raw_bytes(text), static_cast<int>(text.size())) == 1 &&
       EVP_EncryptFinal_ex(context.get(), raw_bytes(out) + size, &size) == 1 &&
       EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, 16, raw_bytes(out) + text.size()) == 1);
  return nonce + aad + out;
}

/// The text of such a payload; throws where it does not hold.
inline std::string decrypt(const std::string& key, const std::string& payload) {
  must(payload.size() >= 48);
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  auto body = payload.substr(32, payload.size() - 48);
  auto tag = payload.substr(payload.size() - 16);
  std::string out(body.size() + 1, '\0');
  int size = 0;
  must(EVP_DecryptInit_ex(context.get(), gcm(key.size()), nullptr, raw_bytes(key), raw_bytes(payload)) == 1 &&
       EVP_DecryptUpdate(context.get(), nullptr, &size, raw_bytes(payload) + 12, 20) == 1 &&
       EVP_DecryptUpdate(context.get(), raw_bytes(out), &size, raw_bytes(body), static_cast<int>(body.size())) == 1 &&
       EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, 16, tag.data()) == 1 &&
       EVP_DecryptFinal_ex(context.get(), raw_bytes(out) + size, &size) == 1);
  out.pop_back();
  return out;
}

}  // namespace loft::test
