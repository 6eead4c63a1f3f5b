#include "http.hpp"

#include <string>

#include "connection.hpp"

namespace loft::http {

void Http::options(OptionTable& table) {
  table.size("max_header", settings_.max_header, "Largest request line and headers together; above, 431.")
      .range(1024, 1 << 20);
  table.integer("max_header_count", settings_.max_header_count, "Most headers of a request; above, 431.")
      .range(8, 10'000);
  table.size("max_target", settings_.max_target, "Longest request target (path and query); above, 414.")
      .range(256, 1 << 20);
  table.size("max_body", settings_.max_body, "Largest request body; above, 413.").range(0, 1 << 30);
  table.integer("max_requests", settings_.max_requests, "Most requests on one connection; 0 sets no limit.");
  table.duration("header_timeout", settings_.header_timeout, "Time for a request's headers, and for a first request.")
      .range(1, 3'600'000);
  table.duration("body_timeout", settings_.body_timeout, "Time for a request's body, before `body_rate` counts.")
      .range(1, 3'600'000);
  table.size("body_rate", settings_.body_rate,
             "Bytes per second that a body must keep up beyond `body_timeout`; 0 leaves `body_timeout` as it is.");
  table.duration("idle_timeout", settings_.idle_timeout, "Time between two requests on one connection.")
      .range(1, 86'400'000);
}

Result<void> Http::configure() {
  if (settings_.max_target < settings_.max_header) return {};
  return Error{Code::invalid, "max_target",
               "max_target (" + OptionTable::size_text(settings_.max_target) + ") must be below max_header (" +
                   OptionTable::size_text(settings_.max_header) +
                   "), of which the target is a part. Lower max_target or raise max_header."};
}

void Http::setup(Host& host) {
  settings_.log = &host.log();
  settings_.requests = &host.metrics().counter("http_requests_total", "HTTP requests read completely");
  settings_.refused =
      &host.metrics().counter("http_refused_total", "HTTP requests that the transport itself answered with an error");
}

std::unique_ptr<Protocol> Http::serve(Link& link, Endpoint& endpoint) {
  return std::make_unique<Connection>(link, endpoint, settings_);
}

}  // namespace loft::http
