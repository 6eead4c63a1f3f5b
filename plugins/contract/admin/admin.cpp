// The internal listener: what monitoring asks of a host.
#include <loft/contract.hpp>
#include <loft/http_status.hpp>
#include <loft/inspect.hpp>
#include <loft/json.hpp>

namespace loft {
namespace {

constexpr std::string_view json_type = "application/json";

class Admin final : public Contract {
 public:
  void setup(Host& host) override { inspector_ = &host.inspector(); }

  void routes(Routes& routes) override {
    routes.http(HttpMethod::get, "/metrics", [this](HttpExchangePtr exchange) {
      exchange->respond(200, "text/plain; version=0.0.4; charset=utf-8", inspector_->metrics());
    });
    routes.http(HttpMethod::get, "/livez", [this](HttpExchangePtr exchange) {
      const bool alive = inspector_->alive();
      exchange->respond(alive ? 200 : 503, "text/plain; charset=utf-8",
                        alive ? "ok\n" : "the I/O loop does not turn\n");
    });
    routes.http(HttpMethod::get, "/readyz", [this](HttpExchangePtr exchange) { ready(*exchange); });
    routes.otherwise([](HttpExchangePtr exchange, unsigned status) {
      // RFC 9457, as for everything that is not part of a wire contract.
      exchange->respond(
          status, problem_type,
          problem(status, status != 404 && status != 405 ? "the request could not be read"
                                                         : "this listener serves GET /metrics, /livez and /readyz"));
    });
  }

  // Nobody logs in here.
  void encode(const Delivery&, Variant, Encoded&) const override {}

 private:
  void ready(HttpExchange& exchange) const {
    bool ready = true;
    std::string body;
    json::Writer writer(body);
    writer.object().key("parts").object();
    for (const auto& part : inspector_->readiness()) {
      ready = ready && part.ready;
      writer.key(part.name).string(part.state);
    }
    writer.end_object().key("ready").boolean(ready).end_object();
    exchange.respond(ready ? 200 : 503, json_type, body);
  }

  Inspector* inspector_ = nullptr;
};

}  // namespace
}  // namespace loft

using loft::Admin;
LOFT_PLUGIN(Admin, "contract.admin", "0.1.0", "Metrics, liveness and readiness for the internal listener")
