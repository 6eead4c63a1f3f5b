// A listener's router: which contract answers which path.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include <loft/contract.hpp>
#include <loft/log.hpp>
#include <loft/transport.hpp>

#include "endpoint/peer_services.hpp"

namespace loft {

class Router final : public Endpoint {
 public:
  /// `websocket` may be null. Everything outlives the router.
  Router(std::string listener, Core& core, const Clock& clock, Logger& log, Transport* websocket)
      : listener_(std::move(listener)), services_{core, clock, log}, websocket_(websocket) {}

  /// Adds a contract's routes below `prefix` (empty, or `/flix`). Error: conflict `route.taken`, whose detail names the
  /// route and both contracts. `name` is the contract's instance. Thread role: control, before the listener accepts.
  Result<void> mount(Contract& contract, std::string name, std::string prefix);

  /// Whether a mounted contract takes packets; and whether one takes requests or WebSockets.
  bool takes_packets() const noexcept { return packets_ != nullptr; }
  bool takes_http() const noexcept { return !patterns_.empty() || (websocket_ != nullptr && !sockets_.empty()); }

  void exchange(HttpExchangePtr exchange) override;
  bool refuse(HttpExchangePtr exchange, unsigned status) override;
  std::unique_ptr<Conversant> open(Channel& channel, const Opening& opening) override;
  bool has_socket(std::string_view path) const noexcept override { return sockets_.contains(path); }
  Transport* websocket() noexcept override { return websocket_; }
  Admission admit(const HttpExchange& request) override;

 private:
  class Builder;
  using OpenFn = Function<std::unique_ptr<Conversant>(Peer&, const Opening&)>;
  using AdmitFn = Function<Admission(const HttpExchange&)>;

  struct Mount {
    Contract* contract = nullptr;
    std::string name;
    std::string prefix;
    Function<void(HttpExchangePtr, unsigned)> otherwise;
  };
  struct Pattern {
    std::string text;
    std::vector<std::string> segments;  ///< parameters keep their colon
    HttpMethod method = HttpMethod::get;
    std::size_t literals = 0;
    Mount* mount = nullptr;
    Function<void(HttpExchangePtr)> handler;
  };
  struct Socket {
    Mount* mount = nullptr;
    OpenFn open;
    AdmitFn admit;
  };

  /// The contract that answers for what no route matches: of those whose prefix fits, the most specific; of several at
  /// one prefix, the one with the route that shares most leading segments with the path, then the first. Where the path
  /// is not known (empty), the listener's only one.
  Mount* mount_of(std::string_view path) const;
  /// How much of the path a route of that mount shares.
  std::size_t likeness(const Mount& mount, std::string_view path) const;
  unsigned amiss(HttpExchangePtr& exchange, std::string_view path, std::string allowed) const;

  /// Null where no route fits; `allowed` then names the methods of those that fit but for theirs.
  Pattern* find(HttpMethod method, std::string_view path, std::vector<std::pair<std::string, std::string>>& parameters,
                std::string& allowed);

  /// Completes the route, gives it to the exchange and calls `call()`, which calls the contract. False: it threw.
  template <class Call>
  bool hand_over(HttpExchange& exchange, const Mount& mount, HttpRoute route, Call call);

  std::string listener_;
  const PeerServices services_;
  Transport* websocket_;
  std::vector<std::unique_ptr<Mount>> mounts_;
  std::vector<std::unique_ptr<Pattern>> patterns_;  // most literal segments first
  boost::unordered_flat_map<std::string_view, std::unique_ptr<Socket>> sockets_;
  std::vector<std::unique_ptr<std::string>> socket_paths_;  // what the keys view
  std::unique_ptr<Socket> packets_;
};

/// Percent-decodes a path segment; what is no valid escape stands as it is.
std::string percent_decode(std::string_view text);

}  // namespace loft
