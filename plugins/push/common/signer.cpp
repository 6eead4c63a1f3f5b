#include "common/signer.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "common/text.hpp"

namespace loft::push {
namespace {

constexpr int smallest_rsa = 2048;
constexpr int field = 32;  // bytes of a number of P-256
constexpr std::size_t largest_file = 64 << 10;

template <auto F>
struct Free {
  template <class T>
  void operator()(T* value) const {
    F(value);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Pair = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

Error bad(std::string detail) {
  ERR_clear_error();
  return {Code::invalid, "key", std::move(detail)};
}

/// No terminal is asked for a password.
int no_password(char*, int, int, void*) { return 0; }

std::string unfit(Signer::Kind kind, EVP_PKEY* key) {
  if (kind == Signer::Kind::rs256) {
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return "is no RSA key, which a service account has";
    if (EVP_PKEY_get_bits(key) < smallest_rsa) return "is an RSA key of less than 2048 bits";
    return {};
  }
  std::array<char, 64> group{};
  std::size_t size = 0;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1 ||
      std::string_view(group.data(), size) != "prime256v1") {
    return "is no key on the curve P-256, which ES256 needs; Apple's portal gives such a key as AuthKey_<key id>.p8";
  }
  return {};
}

std::string raw_pair(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const Pair pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  std::string out(2 * field, '\0');
  auto* const to = reinterpret_cast<unsigned char*>(out.data());
  if (!pair || BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), to, field) != field ||
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), to + field, field) != field) {
    throw std::runtime_error("OpenSSL made a signature that is none");
  }
  return out;
}

}  // namespace

Result<Signer> Signer::from_pem(Kind kind, std::string_view pem) {
  if (pem.find("-----BEGIN") == std::string_view::npos)
    return bad("is no PEM: there is no line -----BEGIN PRIVATE KEY-----");
  if (pem.find("PUBLIC KEY-----") != std::string_view::npos)
    return bad("is a public key; signing needs the private one");
  if (pem.find("BEGIN CERTIFICATE") != std::string_view::npos) return bad("is a certificate; a key is needed");
  if (pem.find("ENCRYPTED") != std::string_view::npos) {
    return bad("is encrypted; write it unencrypted with `openssl pkcs8 -topk8 -nocrypt` into a file of mode 0600");
  }
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr), EVP_PKEY_free);
  if (!key) return bad("is damaged: OpenSSL cannot read a private key from it");
  if (auto wrong = unfit(kind, key.get()); !wrong.empty()) return bad(std::move(wrong));
  return Signer(kind, std::move(key));
}

std::string Signer::sign(std::string_view text) const {
  const Digest digest(EVP_MD_CTX_new());
  std::size_t size = 0;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  bool good = digest && EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
              EVP_DigestSign(digest.get(), nullptr, &size, bytes, text.size()) == 1;
  std::string out(size, '\0');
  good = good &&
         EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes, text.size()) == 1;
  ERR_clear_error();  // words left there would be taken for its own by a TLS connection of this thread
  if (!good) throw std::runtime_error("OpenSSL cannot sign");
  out.resize(size);
  return kind_ == Kind::es256 ? raw_pair(out) : out;
}

std::string Signer::jwt(std::string_view header, std::string_view claims) const {
  auto text = base64url(header) + '.' + base64url(claims);
  text += '.' + base64url(sign(text));
  return text;
}

Result<SecretFile> read_secret_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return bad(path + " cannot be read: " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return bad(path + " is no file");
  std::ifstream in(path, std::ios::binary);
  if (!in) return bad(path + " cannot be read: " + std::strerror(errno));
  if (static_cast<std::size_t>(info.st_size) > largest_file)
    return bad(path + " is longer than 64 KiB: that is no key");
  SecretFile file{{std::istreambuf_iterator<char>(in), {}}, (info.st_mode & (S_IRWXG | S_IRWXO)) != 0};
  return file;
}

}  // namespace loft::push
