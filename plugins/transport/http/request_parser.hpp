// Parses one request. Beast's parser does the grammar, in the translation unit only; what it lets pass and a server
// behind proxies must not (bare line feeds, folded headers, two lengths) is refused here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <loft/bytes.hpp>
#include <loft/http.hpp>

#include "settings.hpp"

namespace loft::http {

/// What a request said. Views are avoided: everything lives in `text`, named by place, so that it can be moved.
struct Request {
  struct Span {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  struct Header {
    Span name;
    Span value;
  };

  HttpMethod method = HttpMethod::other;
  bool is_11 = false;
  bool keep_alive = false;
  bool has_body = false;  ///< a length above 0, or chunked
  std::string text;       ///< target, names and values
  Span path;
  Span query;
  std::vector<Header> headers;
  std::string body;

  std::string_view view(Span span) const noexcept { return std::string_view(text).substr(span.at, span.size); }
  /// The first of that name, whatever its case.
  std::string_view header(std::string_view name) const noexcept;
};

/// A refusal: what to answer before the connection closes.
struct Refusal {
  unsigned status = 0;  ///< 0: none
  const char* error = "";
};

/// Use: `head` until it is complete, then `body` until it is complete. Where bytes are cut does not change the outcome.
class RequestParser {
 public:
  enum class State : std::uint8_t { more, complete, refused };
  struct Step {
    State state = State::more;
    std::size_t used = 0;
    Refusal refusal;
  };

  RequestParser(const Settings& settings, Request& request);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Uses either the whole head or nothing; the same bytes, with more behind them, come again. Of a head that is
  /// refused the request has method, path and query where its first line is good; of a target that is too long, its
  /// beginning.
  Step head(Bytes bytes);
  /// After the head. Complete at once where there is no body.
  Step body(Bytes bytes);

 private:
  class Grammar;
  Step refuse(unsigned status, const char* error) const { return {State::refused, 0, {status, error}}; }
  Step scan(Bytes bytes, std::size_t& end);
  Step read(Bytes head);
  Step check_head();
  void note_target(Bytes bytes);
  bool split_target();

  const Settings& settings_;
  Request& request_;
  std::size_t scanned_ = 0;  ///< bytes of the head known to hold no end of it
  std::size_t line_ = 0;     ///< where the line begins that is being scanned
  std::uint32_t lines_ = 0;
  Grammar* grammar_ = nullptr;  ///< lives in `room_`
  alignas(std::max_align_t) std::byte room_[256];
};

}  // namespace loft::http
