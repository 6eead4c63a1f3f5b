#include "endpoint/router.hpp"

#include <algorithm>

#include "endpoint/peer.hpp"
#include "endpoint/with_header.hpp"
#include "net/engine.hpp"

namespace loft {
namespace {

std::string_view text_of(HttpMethod method) {
  constexpr std::string_view names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "?"};
  return names[static_cast<std::size_t>(method)];
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    segments.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

bool is_parameter(std::string_view segment) { return segment.starts_with(':'); }

/// Two patterns that could match one path with equal right.
bool same_shape(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const std::string& x, const std::string& y) {
    return is_parameter(x) ? is_parameter(y) : x == y;
  });
}

/// Names the method once, however many patterns fit the path.
void allow(std::string& list, HttpMethod method) {
  if ((", " + list + ",").find(", " + std::string(text_of(method)) + ",") != std::string::npos) return;
  if (!list.empty()) list += ", ";
  list += text_of(method);
  if (method == HttpMethod::get) list += ", HEAD";  // which every GET answers
}

}  // namespace

std::string percent_decode(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

class Router::Builder final : public Routes {
 public:
  Builder(Router& router, Mount& mount) : router_(router), mount_(mount) {}

  void http(HttpMethod method, std::string pattern, Function<void(HttpExchangePtr)> handler) override {
    auto row = std::make_unique<Pattern>();
    row->text = mount_.prefix + pattern;
    row->segments = split(row->text);
    row->method = method;
    row->literals = static_cast<std::size_t>(
        std::count_if(row->segments.begin(), row->segments.end(), [](const auto& s) { return !is_parameter(s); }));
    row->mount = &mount_;
    row->handler = std::move(handler);
    for (const auto& other : router_.patterns_) {
      if (other->method == method && same_shape(other->segments, row->segments)) {
        return clash(std::string(text_of(method)) + " " + row->text, other->mount->name);
      }
    }
    router_.patterns_.push_back(std::move(row));
  }

  void socket(std::string path, OpenFn open, AdmitFn admit) override {
    auto whole = std::make_unique<std::string>(mount_.prefix + path);
    if (const auto it = router_.sockets_.find(*whole); it != router_.sockets_.end()) {
      return clash("WebSocket " + *whole, it->second->mount->name);
    }
    router_.sockets_.emplace(*whole, std::make_unique<Socket>(Socket{&mount_, std::move(open), std::move(admit)}));
    router_.socket_paths_.push_back(std::move(whole));
  }

  void packets(OpenFn open) override {
    if (router_.packets_ != nullptr) return clash("packet connections", router_.packets_->mount->name);
    router_.packets_ = std::make_unique<Socket>(Socket{&mount_, std::move(open), nullptr});
  }

  void otherwise(Function<void(HttpExchangePtr, unsigned)> handler) override { mount_.otherwise = std::move(handler); }

  std::string problems;

 private:
  void clash(const std::string& what, const std::string& other) {
    if (!problems.empty()) problems += "; ";
    problems += what + " is claimed by " + other + " and by " + mount_.name;
  }

  Router& router_;
  Mount& mount_;
};

Result<void> Router::mount(Contract& contract, std::string name, std::string prefix) {
  mounts_.push_back(std::make_unique<Mount>(Mount{&contract, std::move(name), std::move(prefix), nullptr}));
  Builder builder(*this, *mounts_.back());
  contract.routes(builder);
  if (!builder.problems.empty()) {
    return Error{
        Code::conflict, "route.taken",
        "listener '" + listener_ + "': " + builder.problems + "; give one of them another `mount` or listener"};
  }
  std::stable_sort(patterns_.begin(), patterns_.end(),
                   [](const auto& a, const auto& b) { return a->literals > b->literals; });
  return {};
}

Router::Pattern* Router::find(HttpMethod method, std::string_view path,
                              std::vector<std::pair<std::string, std::string>>& parameters, std::string& allowed) {
  std::string_view segments[16];
  std::size_t count = 0;
  for (auto rest = path; !rest.empty();) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find('/'), rest.size());
    if (count == std::size(segments)) return nullptr;
    segments[count++] = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  for (const auto& pattern : patterns_) {
    if (pattern->segments.size() != count) continue;
    bool fits = true;
    for (std::size_t i = 0; fits && i < count; ++i) {
      const std::string_view wanted = pattern->segments[i];
      fits = is_parameter(wanted) ? !segments[i].empty() : wanted == segments[i];
    }
    if (!fits) continue;
    if (pattern->method != method) {
      allow(allowed, pattern->method);
      continue;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view wanted = pattern->segments[i];
      if (is_parameter(wanted)) parameters.emplace_back(wanted.substr(1), percent_decode(segments[i]));
    }
    return pattern.get();
  }
  return nullptr;
}

std::size_t Router::likeness(const Mount& mount, std::string_view path) const {
  const auto common = [path](std::string_view route) {
    std::size_t size = 0;
    for (std::size_t i = 0;; ++i) {
      const bool ends = i == path.size() || path[i] == '/';
      if (ends && (i == route.size() || (i < route.size() && route[i] == '/'))) size = i;
      if (i == path.size() || i >= route.size() || path[i] != route[i]) return size;
    }
  };
  std::size_t most = 0;
  for (const auto& pattern : patterns_) {
    if (pattern->mount == &mount) most = std::max(most, common(pattern->text));
  }
  for (const auto& [route, socket] : sockets_) {
    if (socket->mount == &mount) most = std::max(most, common(route));
  }
  return most;
}

Router::Mount* Router::mount_of(std::string_view path) const {
  Mount* found = nullptr;
  std::size_t best = 0;
  if (path.empty()) return mounts_.size() == 1 && mounts_[0]->otherwise ? mounts_[0].get() : nullptr;
  for (const auto& candidate : mounts_) {
    const auto& prefix = candidate->prefix;
    const bool below =
        path.starts_with(prefix) && (path.size() == prefix.size() || prefix.empty() || path[prefix.size()] == '/');
    if (!below || !candidate->otherwise || (found != nullptr && prefix.size() < found->prefix.size())) continue;
    const auto like = likeness(*candidate, path);
    if (found != nullptr && prefix.size() == found->prefix.size() && like <= best) continue;
    found = candidate.get();
    best = like;
  }
  return found;
}

template <class Call>
bool Router::hand_over(HttpExchange& exchange, const Mount& mount, HttpRoute route, Call call) {
  route.mount = mount.prefix.size();
  route.caller.contract = mount.contract;
  route.caller.thread = net::Engine::current_thread();
  exchange.route(std::move(route));
  try {
    call();
    return true;
  } catch (const std::exception& e) {
    services_.log.error("a contract's HTTP handler threw", {{"contract", mount.name}, {"what", e.what()}});
    return false;
  }
}

bool Router::refuse(HttpExchangePtr exchange, unsigned status) {
  auto* const mount = mount_of(exchange->path());
  return mount != nullptr && hand_over(*exchange, *mount, {}, [&] { mount->otherwise(exchange, status); });
}

/// Why no route takes the request: 404, 405 or 426. The exchange adds the header that belongs to the status.
unsigned Router::amiss(HttpExchangePtr& exchange, std::string_view path, std::string allowed) const {
  if (websocket_ != nullptr && sockets_.contains(path)) {
    if (exchange->method() == HttpMethod::get || exchange->method() == HttpMethod::head) {
      exchange = std::make_shared<WithHeader>(std::move(exchange), 426, "Upgrade", "websocket");
      return 426;
    }
    // HEAD is not among them where the GET is a WebSocket's.
    if (allowed.empty()) {
      allowed = "GET";
    } else {
      allow(allowed, HttpMethod::get);
    }
  }
  if (allowed.empty()) return 404;
  exchange = std::make_shared<WithHeader>(std::move(exchange), 405, "Allow", std::move(allowed));
  return 405;
}

void Router::exchange(HttpExchangePtr exchange) {
  HttpRoute route;
  std::string allowed;  // the methods of the routes that the path has
  const std::string path(exchange->path());
  auto* pattern = !path.starts_with('/') ? nullptr : find(exchange->method(), path, route.parameters, allowed);
  if (pattern == nullptr && exchange->method() == HttpMethod::head) {
    pattern = find(HttpMethod::get, path, route.parameters, allowed);
  }
  Mount* mount = pattern != nullptr ? pattern->mount : mount_of(path);
  const unsigned status = pattern != nullptr ? 200 : amiss(exchange, path, std::move(allowed));
  if (mount == nullptr) {
    return exchange->respond(status, "application/json",
                             status == 405   ? R"({"error":"method not allowed"})"
                             : status == 426 ? R"({"error":"this path is a WebSocket's: upgrade to it"})"
                                             : R"({"error":"not found"})");
  }
  const bool done = hand_over(*exchange, *mount, std::move(route), [&] {
    pattern != nullptr ? pattern->handler(exchange) : mount->otherwise(exchange, status);
  });
  if (done) return;
  const HttpHeader close[] = {{"Connection", "close"}};
  exchange->respond(500, "application/json", R"({"error":"internal error"})", close);
}

Admission Router::admit(const HttpExchange& request) {
  const auto it = sockets_.find(request.path());
  if (it == sockets_.end()) return {404, {}};
  if (!it->second->admit) return {};
  try {
    return it->second->admit(request);
  } catch (const std::exception& e) {
    services_.log.error("a contract's admission threw", {{"contract", it->second->mount->name}, {"what", e.what()}});
    return {500, {}};
  }
}

std::unique_ptr<Conversant> Router::open(Channel& channel, const Opening& opening) {
  Socket* socket = packets_.get();
  if (!opening.path.empty()) {
    const auto it = sockets_.find(opening.path);
    socket = it != sockets_.end() ? it->second.get() : nullptr;
  }
  if (socket == nullptr) return nullptr;
  auto peer = std::make_unique<PeerSession>(services_, channel, *socket->mount->contract, net::Engine::current_thread(),
                                            opening.from_loopback);
  auto conversant = socket->open(*peer, opening);
  if (conversant == nullptr) return nullptr;
  peer->attach(std::move(conversant));
  return peer;
}

}  // namespace loft
