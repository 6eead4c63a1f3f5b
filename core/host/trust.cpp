#include "host/trust.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace loft {
namespace {

using identity::Algorithm;
using identity::NamedKey;

constexpr std::size_t max_file = 4 << 20;

Result<std::string> contents(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  char buffer[16 << 10];
  while (file && text.size() <= max_file) {
    file.read(buffer, sizeof buffer);
    text.append(buffer, static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof()) {
    const char* const why = text.size() > max_file ? "it is longer than 4 MiB"
                            : errno != 0           ? std::strerror(errno)
                                                   : "it is no file";
    return Error{Code::invalid, "file", std::string("cannot be read: ") + why};
  }
  return text;
}

Result<std::vector<NamedKey>> single(Result<identity::Key> key, const std::string& kid) {
  if (!key) return key.error();
  return std::vector<NamedKey>{{std::move(*key), kid}};
}

/// The keys of one entry that are here already.
Result<std::vector<NamedKey>> local_keys(const config::JwtKey& from, std::optional<Algorithm> algorithm) {
  if (!from.secret.empty()) return single(identity::Key::from_secret(*algorithm, from.secret), from.kid);
  const auto text = contents(from.public_key_file.empty() ? from.jwks_file : from.public_key_file);
  if (!text) return text.error();
  if (!from.public_key_file.empty()) return single(identity::Key::from_pem(*algorithm, *text), from.kid);
  auto set = identity::read_key_set(*text, algorithm, true);
  if (!set) return set.error();
  return std::move(set->keys);
}

const char* member(const config::JwtKey& key) {
  if (!key.secret.empty()) return "secret";
  return key.public_key_file.empty() ? "jwks_file" : "public_key_file";
}

}  // namespace

Trusted trust(const std::vector<config::JwtKey>& keys, identity::KeyRing& ring,
              Function<void(const config::Node& place, std::string text)> problem) {
  Trusted trusted;
  for (const auto& key : keys) {
    const auto algorithm = identity::algorithm_named(key.algorithm);
    const auto source = ring.add({key.issuer, key.audience, key.services}, !key.jwks_url.empty());
    if (!key.jwks_url.empty()) {
      if (const auto ca = contents(key.ca_file); !key.ca_file.empty() && !ca)
        problem(key.place.option("ca_file"), ca.error().detail);
      trusted.published.push_back({key.jwks_url,
                                   {key.ca_file, key.timeout, key.max_bytes},
                                   algorithm,
                                   key.refresh,
                                   key.refresh_unknown,
                                   source});
      continue;
    }
    const auto found = local_keys(key, algorithm);
    if (found)
      ring.put(source, *found);
    else
      problem(key.place.option(member(key)), found.error().detail);
    if (key.secret.empty()) trusted.files.push_back({key, source});
  }
  return trusted;
}

void read_again(const std::vector<KeyFile>& files, identity::KeyRing& ring, Logger& log) {
  for (const auto& [key, source] : files) {
    const auto& path = key.public_key_file.empty() ? key.jwks_file : key.public_key_file;
    const auto found = local_keys(key, identity::algorithm_named(key.algorithm));
    if (found) {
      ring.put(source, *found);
      log.info("keys were read again", {{"file", path}, {"keys", found->size()}});
    } else {
      log.error("keys were not read again, those from before stay in use",
                {{"file", path}, {"problem", found.error().detail}});
    }
  }
}

}  // namespace loft
