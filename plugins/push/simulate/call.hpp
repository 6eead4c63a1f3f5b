// A request to a simulated provider, and what is to be answered.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <loft/clock.hpp>

namespace loft::simulate {

/// What a provider remembers of one connection.
struct Connection {
  std::uint64_t number = 0;
  std::string provider_token;  ///< the last good one
  std::int64_t issued = 0;     ///< its `iat`
};

struct Call {
  std::string method;
  std::string path;                                          ///< without the query
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string body;
  std::shared_ptr<Connection> connection;

  std::size_t count(std::string_view name) const {
    std::size_t n = 0;
    for (const auto& header : headers) n += header.first == name ? 1 : 0;
    return n;
  }
  /// The first of that name; empty: none.
  std::string_view header(std::string_view name) const {
    for (const auto& header : headers) {
      if (header.first == name) return header.second;
    }
    return {};
  }
};

struct Reply {
  enum class How : std::uint8_t {
    answer,
    drop,    ///< the connection is cut without a word
    goaway,  ///< HTTP/2: GOAWAY that leaves this request out
    hang,    ///< there is never an answer
    freeze,  ///< HTTP/2: nothing is answered on the connection any more, which stays open
  };
  How how = How::answer;
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Millis delay = 0;  ///< before it is sent
};

/// Thread role: the one thread of the simulation.
using Provider = std::function<Reply(const Call&)>;

}  // namespace loft::simulate
