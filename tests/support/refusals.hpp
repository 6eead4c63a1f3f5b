// What a contract answers to requests that no route of its own has seen.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

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

/// Holds all that a transport may refuse, and what the router does, against the contract's own form: each status is
/// kept, the Content-Type is `type`, `form` (with the status for `#`) is in the answer, the host's own word for it is
/// not, and 404 alone is called `not_found`.
inline void check_refusals(Refusals& refusals, const std::string& type, const std::string& form,
                           const std::string& not_found) {
  constexpr unsigned statuses[] = {400, 404, 405, 408, 413, 414, 417, 426, 431, 501, 503, 505};
  for (const auto status : statuses) {
    INFO(status);
    CHECK(refusals.answer(status)->status == status);
    CHECK(refusals.answer(status)->type == type);
    auto expected = form;
    if (const auto at = expected.find('#'); at != std::string::npos) expected.replace(at, 1, std::to_string(status));
    const auto text = refusals.text(status);
    CHECK_THAT(text, Catch::Contains(expected));
    CHECK_THAT(text, !Catch::Contains("http.") && !Catch::Contains("Internal Server Error"));
    CHECK((text.find(not_found) != std::string::npos) == (status == 404));
  }
}

}  // namespace loft::tests
