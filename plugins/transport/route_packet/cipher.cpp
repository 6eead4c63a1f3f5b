#include "cipher.hpp"

#include <algorithm>
#include <limits>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace loft::route_packet {
namespace {

constexpr std::string_view zero_nonce("\0\0\0\0\0\0\0\0\0\0\0\0", Cipher::nonce_size);

const unsigned char* bytes_of(Bytes text) noexcept { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_at(std::string& text, std::size_t at) noexcept {
  return reinterpret_cast<unsigned char*>(text.data()) + at;
}

const EVP_CIPHER* cipher_for(std::size_t key_size) noexcept {
  switch (key_size) {
    case 16:
      return EVP_aes_128_gcm();
    case 24:
      return EVP_aes_192_gcm();
    case 32:
      return EVP_aes_256_gcm();
    default:
      return nullptr;
  }
}

std::int64_t read_big_endian(Bytes digits) noexcept {
  std::uint64_t value = 0;
  for (const char c : digits) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(value);
}

void append_big_endian(std::string& out, std::int64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift);
  }
}

}  // namespace

bool random_bytes(unsigned char* to, std::size_t size) noexcept { return RAND_bytes(to, static_cast<int>(size)) == 1; }

void Cipher::Free::operator()(evp_cipher_ctx_st* context) const noexcept { EVP_CIPHER_CTX_free(context); }

std::unique_ptr<Cipher> Cipher::make(Bytes key, RandomFn random) {
  const auto* kind = cipher_for(key.size());
  std::unique_ptr<Cipher> made(new Cipher);
  unsigned char session[8];
  if (kind == nullptr || !random(session, sizeof session) || !random(made->nonce_, sizeof made->nonce_)) return nullptr;
  made->nonce_[0] |= 1;  // a zero nonce is a heartbeat's
  // Clients keep numbers as doubles: 53 bits, and not 0, which is the session of a handshake.
  made->session_ = (read_big_endian(Bytes(reinterpret_cast<const char*>(session), 8)) & ((1ll << 53) - 1)) | 1;
  made->in_.reset(EVP_CIPHER_CTX_new());
  made->out_.reset(EVP_CIPHER_CTX_new());
  if (made->in_ == nullptr || made->out_ == nullptr ||
      EVP_DecryptInit_ex(made->in_.get(), kind, nullptr, bytes_of(key), nullptr) != 1 ||
      EVP_EncryptInit_ex(made->out_.get(), kind, nullptr, bytes_of(key), nullptr) != 1) {
    return nullptr;
  }
  return made;
}

/// Null where the associated data is as it must be; else what is wrong with it.
const char* Cipher::check(Bytes associated, Millis now, Millis max_age) {
  const auto sequence = static_cast<std::int32_t>(read_big_endian(associated.substr(0, 4)));
  const auto session = read_big_endian(associated.substr(4, 8));
  const auto sent = read_big_endian(associated.substr(12, 8));
  if (sequence <= heard_) return "the sequence did not grow";
  if (session != session_) return "another session";
  if (sent < 0) return "a negative time";
  if (max_age > 0 && sent < now && now - sent > max_age) return "too old";
  heard_ = sequence;
  return nullptr;
}

bool Cipher::decrypt(Bytes payload, std::string& text) {
  const auto sealed = payload.substr(nonce_size + associated_size);
  if (sealed.size() < tag_size) return false;
  const auto body = sealed.substr(0, sealed.size() - tag_size);
  char tag[tag_size];
  sealed.copy(tag, tag_size, body.size());
  auto* const context = in_.get();
  int length = 0;
  text.resize(std::max<std::size_t>(body.size(), 1));
  const bool ok =
      EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, bytes_of(payload)) == 1 &&
      EVP_DecryptUpdate(context, nullptr, &length, bytes_of(payload.substr(nonce_size)), associated_size) == 1 &&
      EVP_DecryptUpdate(context, bytes_at(text, 0), &length, bytes_of(body), static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, tag_size, tag) == 1 &&
      EVP_DecryptFinal_ex(context, bytes_at(text, 0) + length, &length) == 1;
  text.resize(body.size());
  if (!ok) ERR_clear_error();  // TLS on this thread looks at what is left behind
  return ok;
}

Cipher::Opened Cipher::open(Bytes payload, Millis now, Millis max_age) {
  if (payload.size() < nonce_size + associated_size) return {Verdict::ignored, {}, ""};
  if (const auto* why = check(payload.substr(nonce_size, associated_size), now, max_age)) {
    return {Verdict::forged, {}, why};
  }
  if (payload.size() == nonce_size + associated_size && payload.starts_with(zero_nonce)) {
    return {Verdict::heartbeat, {}, ""};
  }
  thread_local std::string text;
  if (!decrypt(payload, text)) return {Verdict::forged, {}, "it does not decrypt"};
  return {Verdict::text, text, ""};
}

/// Appends the associated data of the next packet.
bool Cipher::associate(Millis now, std::string& out) {
  if (next_ > std::numeric_limits<std::int32_t>::max()) return false;
  append_big_endian(out, next_++, 4);
  append_big_endian(out, session_, 8);
  append_big_endian(out, std::max<Millis>(now, 0), 8);
  return true;
}

bool Cipher::seal(Slices text, Millis now, std::string& out) {
  // Both sides use one key, so a counter alone would meet the client's; behind a random beginning it does not.
  for (std::size_t i = nonce_size; i-- > 4 && ++nonce_[i] == 0;) continue;
  out.append(reinterpret_cast<const char*>(nonce_), nonce_size);
  const auto associated = out.size();
  if (!associate(now, out)) return false;
  std::size_t size = 0;
  for (const auto piece : text) size += piece.size();
  auto at = out.size();
  out.resize(at + size + tag_size);
  auto* const context = out_.get();
  int length = 0;
  if (EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce_) != 1 ||
      EVP_EncryptUpdate(context, nullptr, &length, bytes_at(out, associated), associated_size) != 1) {
    return false;
  }
  for (const auto piece : text) {
    if (EVP_EncryptUpdate(context, bytes_at(out, at), &length, bytes_of(piece), static_cast<int>(piece.size())) != 1) {
      return false;
    }
    at += static_cast<std::size_t>(length);
  }
  return EVP_EncryptFinal_ex(context, bytes_at(out, at), &length) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, tag_size, bytes_at(out, at)) == 1;
}

bool Cipher::heartbeat(Millis now, std::string& out) {
  out.append(zero_nonce);
  return associate(now, out);
}

}  // namespace loft::route_packet
