#include "simulate/keys.hpp"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace loft::simulate {
namespace {

namespace fs = std::filesystem;

template <auto F>
struct Free {
  template <class T>
  void operator()(T* value) const {
    F(value);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

constexpr long ten_years = 10L * 365 * 86'400;

void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("OpenSSL cannot ") + what);
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string private_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "write a key");
  return text_of(bio.get());
}

std::string public_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PUBKEY(bio.get(), key) == 1, "write a public key");
  return text_of(bio.get());
}

std::string certificate_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(bio.get(), certificate) == 1, "write a certificate");
  return text_of(bio.get());
}

Key new_ec_key() {
  Key key(EVP_EC_gen("P-256"));
  must(key != nullptr, "make a key");
  return key;
}

Key read_key(const fs::path& path) {
  std::ifstream in(path);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key)
    throw std::runtime_error(path.string() + " holds no key; remove the folder's files, then they are made anew");
  return key;
}

/// The key of that file, made where there is none.
template <class Make>
Key key_in(const fs::path& path, Make make) {
  if (fs::exists(path)) return read_key(path);
  Key key = make();
  write_private(path, private_pem(key.get()));
  return key;
}

void extend(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  must(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "add to a certificate");
}

Certificate new_certificate(const char* name, EVP_PKEY* key, X509* issuer, long serial) {
  Certificate certificate(X509_new());
  must(certificate != nullptr, "make a certificate");
  auto* const raw = certificate.get();
  X509_set_version(raw, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(raw), serial);
  X509_gmtime_adj(X509_getm_notBefore(raw), -86'400);
  X509_gmtime_adj(X509_getm_notAfter(raw), ten_years);
  X509_set_pubkey(raw, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(raw, X509_get_subject_name(issuer == nullptr ? raw : issuer));
  return certificate;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string out = "DNS:localhost,IP:127.0.0.1,IP:::1";
  for (const auto& name : names) {
    const bool is_address =
        name.find_first_not_of("0123456789.") == std::string::npos || name.find(':') != std::string::npos;
    out += (is_address ? ",IP:" : ",DNS:") + name;
  }
  return out;
}

/// A new authority, whose key is forgotten, and a certificate of it.
void make_certificates(const Keys& keys, const std::vector<std::string>& names) {
  const auto authority_key = new_ec_key();
  const auto authority = new_certificate("loft push simulate, authority", authority_key.get(), nullptr, 1);
  extend(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(authority.get(), authority.get(), NID_key_usage, "critical,keyCertSign");
  must(X509_sign(authority.get(), authority_key.get(), EVP_sha256()) != 0, "sign a certificate");
  const auto key = new_ec_key();
  const auto certificate = new_certificate("loft push simulate", key.get(), authority.get(), 2);
  extend(certificate.get(), authority.get(), NID_subject_alt_name, alternative_names(names));
  extend(certificate.get(), authority.get(), NID_ext_key_usage, "serverAuth");
  must(X509_sign(certificate.get(), authority_key.get(), EVP_sha256()) != 0, "sign a certificate");
  write_private(keys.key_file, private_pem(key.get()));
  write_private(keys.certificate_file, certificate_pem(certificate.get()));
  write_private(keys.ca_file, certificate_pem(authority.get()));  // the last: with it all are there
}

}  // namespace

void write_private(const fs::path& path, const std::string& text) {
  const auto fresh = path.string() + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool good = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int failure = errno;
  if (file >= 0) ::close(file);
  if (!good || ::rename(fresh.c_str(), path.c_str()) != 0)
    throw std::runtime_error(path.string() + " cannot be written: " + std::strerror(good ? errno : failure));
}

Keys prepare_keys(const fs::path& folder, const std::string& apns_key_id, const std::vector<std::string>& names) {
  fs::create_directories(folder);
  Keys keys;
  keys.ca_file = folder / "ca.pem";
  keys.certificate_file = folder / "certificate.pem";
  keys.key_file = folder / "certificate.key";
  keys.apns_key_file = folder / ("AuthKey_" + apns_key_id + ".p8");
  if (!fs::exists(keys.ca_file)) make_certificates(keys, names);
  keys.apns_public = public_pem(key_in(keys.apns_key_file, new_ec_key).get());
  const auto google = key_in(folder / "service-account.key", [] {
    Key key(EVP_RSA_gen(2048));
    must(key != nullptr, "make a key");
    return key;
  });
  keys.google_private = private_pem(google.get());
  keys.google_public = public_pem(google.get());
  return keys;
}

}  // namespace loft::simulate
