// What a contract answers to requests that no route of its own has seen.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <loft/testing/http.hpp>

namespace loft::tests {

/// Hears of a contract's `Routes::otherwise` alone.
class Refusals final : public Routes {
 public:
  explicit Refusals(Contract& contract) { contract.routes(*this); }

  void http(HttpMethod, std::string, Function<void(HttpExchangePtr)>) override {}
  void socket(std::string, Function<std::unique_ptr<Conversant>(Peer&, const Opening&)>,
              Function<Admission(const HttpExchange&)>) override {}
  void packets(Function<std::unique_ptr<Conversant>(Peer&, const Opening&)>) override {}
  void otherwise(Function<void(HttpExchangePtr, unsigned)> handler) override { handler_ = std::move(handler); }

  std::shared_ptr<testing::FakeExchange> answer(unsigned status, std::string path = "/",
                                                HttpMethod method = HttpMethod::post) {
    auto exchange = std::make_shared<testing::FakeExchange>(method, std::move(path));
    if (handler_) handler_(exchange, status);
    return exchange;
  }
  std::string text(unsigned status) {
    const auto said = answer(status);
    return std::to_string(said->status) + ' ' + said->answer;
  }

 private:
  Function<void(HttpExchangePtr, unsigned)> handler_;
};

/// All that a transport may refuse, and what the router does.
constexpr unsigned refused_statuses[] = {400, 404, 405, 408, 413, 414, 417, 426, 431, 501, 503, 505};

}  // namespace loft::tests
