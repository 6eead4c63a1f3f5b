// One HTTP/1.1 connection, server side.
#pragma once

#include <memory>
#include <optional>

#include <loft/transport.hpp>

#include "exchange.hpp"
#include "request_parser.hpp"
#include "settings.hpp"

namespace loft::http {

/// Requests are carried out strictly one after the other. Those that a contract answers at once are all handled in one
/// `on_bytes`, so that pipelined answers leave in one write. Thread role: the link's I/O thread.
class Connection final : public Protocol {
 public:
  /// All three outlive it.
  Connection(Link& link, Endpoint& endpoint, const Settings& settings);
  ~Connection() override;

  std::size_t on_bytes(Bytes bytes) override;
  void on_deadline() override;
  void on_closed(CloseReason reason) override;
  void drain() override;

  /// The answer to the exchange in flight; called by it, once.
  void answer(unsigned status, std::string_view type, Bytes body, std::span<const HttpHeader> more);

 private:
  enum class State : std::uint8_t { between, head, body, in_flight, finished };

  std::size_t step(Bytes bytes);
  std::size_t read_head(Bytes bytes);
  std::size_t read_body(Bytes bytes);
  bool greet_body();
  void carry_out();
  bool upgrade();
  void refuse(Refusal refusal);
  bool worded_by_contract(unsigned status);
  void finish();
  void due_in(Millis in);
  Millis body_due() const noexcept;

  Link& link_;
  Endpoint& endpoint_;
  const Settings& settings_;
  std::shared_ptr<Exchange> exchange_;     ///< being read or in flight
  std::unique_ptr<RequestParser> parser_;  ///< while a request is being read
  Millis since_;                           ///< when the state began
  Millis due_ = 0;                         ///< when its time is over; 0: never
  Millis armed_ = 0;                       ///< when the link's deadline comes; 0: not set
  std::uint32_t served_ = 0;
  State state_ = State::between;
  bool in_read_ = false;
  bool paused_ = false;
  bool draining_ = false;
  bool handed_over_ = false;
  bool refusing_ = false;  ///< whatever is answered now is the last
};

}  // namespace loft::http
