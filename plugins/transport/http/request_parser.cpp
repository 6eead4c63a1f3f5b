#include "request_parser.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/verb.hpp>

#include "text.hpp"

namespace loft::http {

namespace beast = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

namespace {

HttpMethod method_of(beast::verb verb) noexcept {
  switch (verb) {
    case beast::verb::get:
      return HttpMethod::get;
    case beast::verb::head:
      return HttpMethod::head;
    case beast::verb::post:
      return HttpMethod::post;
    case beast::verb::put:
      return HttpMethod::put;
    case beast::verb::patch:
      return HttpMethod::patch;
    case beast::verb::delete_:
      return HttpMethod::del;
    case beast::verb::options:
      return HttpMethod::options;
    default:
      return HttpMethod::other;
  }
}

// A request line is method, target, version and two spaces; this much is granted beside the target.
constexpr std::size_t line_overhead = 48;
constexpr std::size_t max_chunk_line = 4096;
constexpr std::size_t shortest_last_chunk = 5;  // "0", CR LF, CR LF
constexpr std::size_t reserve_at_most = 64 * 1024;

/// A bit for each header that says who somebody is or opens a WebSocket; 0 for others. With two of them one server
/// takes the first and another the last.
unsigned single(std::string_view name) noexcept {
  constexpr std::string_view names[] = {"authorization", "x-user-id", "idempotency-key", "sec-websocket-key",
                                        "sec-websocket-version"};
  for (unsigned i = 0; i < std::size(names); ++i) {
    if (names[i].size() == name.size() && same(names[i], name)) return 1u << i;
  }
  return 0;
}

/// Whether bytes with which a chunk's line begins can still become a good one. What follows the first digit is the
/// grammar's business, so that the outcome does not hang on where bytes are cut.
bool may_be_chunk_size(std::string_view bytes) noexcept {
  return bytes.empty() || std::string_view("0123456789abcdefABCDEF").find(bytes.front()) != std::string_view::npos;
}

}  // namespace

std::string_view Request::header(std::string_view name) const noexcept {
  for (const auto& header : headers) {
    if (header.name.size == name.size() && same(view(header.name), name)) return view(header.value);
  }
  return {};
}

/// Beast's parser, which calls back for every part.
class RequestParser::Grammar final : public beast::basic_parser<true> {
 public:
  Grammar(const Settings& settings, Request& request) : settings_(settings), request_(request) {
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(boost::none);
  }

  Refusal refusal;
  Request::Span target;
  std::uint32_t hosts = 0;
  std::uint32_t lengths = 0;
  std::uint32_t encodings = 0;
  bool in_body = false;

  /// Whether a chunked body that goes on with these bytes can still be good, as far as one can see.
  bool may_go_on(Bytes bytes) const noexcept {
    if (place_ == Place::trailer || bytes.size() <= left_) return true;
    if (place_ == Place::first_chunk) return may_be_chunk_size(bytes);
    constexpr std::string_view line_end = "\r\n";
    bytes.remove_prefix(left_);
    return bytes.substr(0, 2) == line_end.substr(0, bytes.size()) &&
           may_be_chunk_size(bytes.substr(std::min<std::size_t>(2, bytes.size())));
  }

 private:
  enum class Place : std::uint8_t { first_chunk, in_chunks, trailer };

  void refuse(unsigned status, const char* error, error_code& ec) {
    refusal = {status, error};
    ec = beast::error::bad_value;
  }

  Request::Span keep(string_view text) {
    const Request::Span span{static_cast<std::uint32_t>(request_.text.size()), static_cast<std::uint32_t>(text.size())};
    request_.text.append(text.data(), text.size());
    return span;
  }

  void on_request_impl(beast::verb verb, string_view, string_view aim, int version, error_code& ec) override {
    if (aim.size() > settings_.max_target) return refuse(414, "the request target is too long", ec);
    request_.method = method_of(verb);
    request_.is_11 = version >= 11;
    target = keep(aim);
  }

  void on_field_impl(beast::field field, string_view name, string_view value, error_code& ec) override {
    if (in_body) return;  // trailers are read over
    const std::string_view text(value.data(), value.size());
    if (!is_value(text)) return refuse(400, "a header holds control characters", ec);
    if (field == beast::field::host) ++hosts;
    if (const auto bit = single({name.data(), name.size()}); (singles_ & bit) != 0) {
      return refuse(400, "a header that may stand once stands twice", ec);
    } else {
      singles_ |= bit;
    }
    if (field == beast::field::content_length && ++lengths > 1) return refuse(400, "two Content-Length headers", ec);
    if (field == beast::field::content_length && text.find_first_not_of("0123456789") != std::string_view::npos) {
      return refuse(400, "Content-Length is not a number", ec);
    }
    if (field == beast::field::transfer_encoding) {
      if (!request_.is_11) return refuse(400, "Transfer-Encoding needs HTTP/1.1", ec);
      if (++encodings > 1 || !same(text, "chunked"))
        return refuse(501, "only the transfer coding 'chunked' is known", ec);
    }
    if (lengths > 0 && encodings > 0) return refuse(400, "both Content-Length and Transfer-Encoding", ec);
    const auto kept = keep(name);
    request_.headers.push_back({kept, keep(value)});
  }

  void on_header_impl(error_code&) override { in_body = true; }
  void on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code&) override {
    if (length) request_.body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, reserve_at_most)));
  }
  std::size_t on_body_impl(string_view text, error_code&) override {
    request_.body.append(text.data(), text.size());
    return text.size();
  }
  void on_chunk_header_impl(std::uint64_t size, string_view extension, error_code& ec) override {
    // Beast takes anything behind the digits for an extension; another server may read another size.
    if (!extension.empty() && std::string_view("; \t").find(extension.front()) == std::string_view::npos) {
      return refuse(400, "the body is malformed", ec);
    }
    if (size > settings_.max_body - std::min<std::uint64_t>(settings_.max_body, request_.body.size())) {
      refuse(413, "the body is too large", ec);
    }
    place_ = size > 0 ? Place::in_chunks : Place::trailer;
    left_ = size;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view text, error_code&) override {
    request_.body.append(text.data(), text.size());
    left_ -= text.size();
    return text.size();
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  const Settings& settings_;
  Request& request_;
  unsigned singles_ = 0;  ///< those that were there
  Place place_ = Place::first_chunk;
  std::uint64_t left_ = 0;  ///< bytes of the chunk that are still to come
};

RequestParser::RequestParser(const Settings& settings, Request& request) : settings_(settings), request_(request) {
  static_assert(sizeof(Grammar) <= sizeof(room_));
  grammar_ = ::new (static_cast<void*>(room_)) Grammar(settings, request);
}

RequestParser::~RequestParser() { grammar_->~Grammar(); }

RequestParser::Step RequestParser::head(Bytes bytes) {
  std::size_t end = 0;
  auto step = scan(bytes, end);
  if (step.state == State::complete) step = read(bytes.substr(0, end));
  if (step.state == State::refused) note_target(bytes);
  return step;
}

/// Looks for the head's end, whatever its lines say.
RequestParser::Step RequestParser::scan(Bytes bytes, std::size_t& end) {
  const auto limit = std::min<std::size_t>(bytes.size(), settings_.max_header);
  while (end == 0) {
    const auto found = bytes.substr(0, limit).find('\n', scanned_);
    const auto line_end = found == Bytes::npos ? limit : found;
    if (lines_ == 0 && line_end > settings_.max_target + line_overhead) {
      return refuse(414, "the request target is too long");
    }
    if (line_end > line_ && lines_ > 0 && (bytes[line_] == ' ' || bytes[line_] == '\t')) {
      return refuse(400, "a header is folded over lines");
    }
    if (found == Bytes::npos) {
      scanned_ = limit;
      if (bytes.size() <= settings_.max_header) return {};
      return refuse(431, "the headers are too large");
    }
    if (found == 0 || bytes[found - 1] != '\r') return refuse(400, "a line does not end in CR LF");
    if (found == line_ + 1) end = found + 1;
    line_ = scanned_ = found + 1;
    if (++lines_ > settings_.max_header_count + 1 && end == 0) return refuse(431, "there are too many headers");
  }
  return {State::complete, end, {}};
}

RequestParser::Step RequestParser::read(Bytes head) {
  request_.text.reserve(head.size());
  request_.headers.reserve(lines_);
  error_code ec;
  const auto used = grammar_->put(boost::asio::const_buffer(head.data(), head.size()), ec);
  if (grammar_->refusal.status != 0) return {State::refused, 0, grammar_->refusal};
  if (ec == beast::error::bad_version) return refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken");
  if (ec || used != head.size() || !grammar_->is_header_done()) return refuse(400, "the request is malformed");
  auto step = check_head();
  step.used = step.state == State::refused ? 0 : head.size();
  return step;
}

/// For a refusal: whom the request is for, as far as its first line says so. Where bytes are cut does not change it.
void RequestParser::note_target(Bytes bytes) {
  if (request_.path.size > 0) return;  // all of it was read
  request_.headers.clear();
  // No further than what was surely there when the line was found too long: its end may not have come yet.
  bytes = bytes.substr(0, std::min<std::size_t>(settings_.max_header, settings_.max_target + line_overhead + 1));
  const auto end = std::min(bytes.find('\n'), bytes.size());
  const bool whole = end < bytes.size();
  if (whole && (end == 0 || bytes[end - 1] != '\r')) return;
  const auto line = bytes.substr(0, end);
  const auto blank = line.find(' ');
  if (blank == Bytes::npos) return;
  const auto rest = line.substr(blank + 1);
  const auto size = std::min(rest.find(' '), rest.size());
  // Of a target that is too long the beginning says enough.
  if (size <= settings_.max_target && !(whole && rest.substr(size).starts_with(" HTTP/"))) return;
  const auto target = rest.substr(0, std::min<std::size_t>(size, settings_.max_target));
  if (!is_value(target)) return;
  request_.method = method_of(beast::string_to_verb(string_view(line.data(), blank)));
  request_.text = target;
  grammar_->target = {0, static_cast<std::uint32_t>(target.size())};
  if (!split_target()) request_.path = request_.query = {};
}

RequestParser::Step RequestParser::check_head() {
  if (grammar_->hosts != 1 && (request_.is_11 || grammar_->hosts > 1)) {
    return refuse(400, "exactly one Host header is needed");
  }
  if (request_.header("Host").find_first_of(" \t/@,") != std::string_view::npos)
    return refuse(400, "Host is malformed");
  if (!split_target()) return refuse(400, "the request target is malformed");
  const auto length = grammar_->content_length();
  if (length && *length > settings_.max_body) return refuse(413, "the body is too large");
  request_.has_body = grammar_->chunked() || (length && *length > 0);
  request_.keep_alive = grammar_->keep_alive();
  return {State::complete, 0, {}};
}

/// Origin form, absolute form, or `*` for OPTIONS. The other one, of CONNECT, is for proxies.
bool RequestParser::split_target() {
  auto aim = request_.view(grammar_->target);
  auto at = grammar_->target.at;
  if (aim == "*") {
    request_.path = grammar_->target;
    return request_.method == HttpMethod::options;
  }
  if (aim.find('#') != std::string_view::npos) return false;
  if (!aim.starts_with('/')) {
    const auto scheme = aim.substr(0, aim.find("://"));
    if (!same(scheme, "http") && !same(scheme, "https")) return false;
    const auto authority = scheme.size() + 3;
    const auto begin = std::min(aim.find_first_of("/?", authority), aim.size());
    if (begin == authority) return false;
    at += static_cast<std::uint32_t>(begin);
    aim.remove_prefix(begin);
  }
  const auto mark = std::min(aim.find('?'), aim.size());
  request_.path = {at, static_cast<std::uint32_t>(mark)};
  if (mark < aim.size()) {
    const auto behind = static_cast<std::uint32_t>(mark) + 1;
    request_.query = {at + behind, static_cast<std::uint32_t>(aim.size()) - behind};
  }
  if (mark == 0) {  // `http://host`, `http://host?query`
    request_.path = {static_cast<std::uint32_t>(request_.text.size()), 1};
    request_.text += '/';
  }
  return true;
}

RequestParser::Step RequestParser::body(Bytes bytes) {
  std::size_t used = 0;
  while (!grammar_->is_done()) {
    error_code ec;
    const auto rest = bytes.substr(used);
    // Not eager: one part per call, so that these checks stand before each of them.
    if (grammar_->chunked()) {
      if (!grammar_->may_go_on(rest)) return {State::refused, used, {400, "the body is malformed"}};
      // Beast 1.81 asserts that it never sees less than this of a last chunk; no chunked body ends with less.
      if (rest.size() < shortest_last_chunk) break;
    }
    const auto step = rest.empty() ? 0 : grammar_->put(boost::asio::const_buffer(rest.data(), rest.size()), ec);
    used += step;
    if (grammar_->refusal.status != 0) return {State::refused, used, grammar_->refusal};
    if (ec && ec != beast::error::need_more) return {State::refused, used, {400, "the body is malformed"}};
    if (step == 0) break;
  }
  if (grammar_->is_done()) return {State::complete, used, {}};
  if (bytes.size() - used > max_chunk_line)
    return {State::refused, used, {400, "a chunk's header or trailer is too long"}};
  return {State::more, used, {}};
}

}  // namespace loft::http
