#include "attempts.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "hashing.hpp"

namespace loft::auth {

Attempts::Attempts(unsigned most, Millis window, std::size_t places)
    : most_(most), window_(window), key_(random_hash_key()), places_(places) {}

Attempts::Place& Attempts::place(std::string_view name, Millis now) {
  auto& place = places_[keyed_hash(name, key_) % places_.size()];
  if (now - place.since >= window_) place = {now, 0};
  return place;
}

Millis Attempts::take(std::string_view name, Millis now) {
  const std::lock_guard lock(mutex_);
  auto& at = place(name, now);
  if (at.count >= most_) return std::max<Millis>(at.since + window_ - now, 1);
  ++at.count;
  return 0;
}

void Attempts::give_back(std::string_view name, Millis now) {
  const std::lock_guard lock(mutex_);
  auto& at = place(name, now);
  if (at.count > 0) --at.count;
}

std::string network_of(std::string_view address) {
  const std::string text(address.substr(0, address.find('%')));
  in6_addr six{};
  if (inet_pton(AF_INET6, text.c_str(), &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six)) return text;
  return {reinterpret_cast<const char*>(&six), 8};
}

}  // namespace loft::auth
