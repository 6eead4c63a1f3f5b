#include "common/http_options.hpp"

#include "common/verdict.hpp"

namespace loft::push {

void HttpOptions::add_to(OptionTable& table) {
  table.text("ca_file", ca_file,
             "File with the authorities (PEM) that the provider's certificate must come from. Empty: the system's.");
  table.integer("connections", connections, "HTTP/2 connections; each carries many notifications at once.")
      .range(1, 16);
  table.integer("window", window, "Notifications under way at once, of all connections.").range(1, 10'000);
  table.duration("timeout", timeout, "So long a notification may be under way; then it is tried again later.")
      .range(100, 300'000);
}

CourierSettings HttpOptions::courier(Logger& log) const {
  CourierSettings settings;
  settings.connections = connections;
  settings.window = window + 16;  // the channel's own questions come beside the notifications
  settings.ca_file = ca_file;
  settings.prepare = prepare_http2;
  settings.failed = [&log](const char* what) { tell_slip(log, what); };
  return settings;
}

Result<void> check_endpoint(const std::string& option, const std::string& url) {
  if (url.starts_with("https://") && url.size() > 8 && url.find_first_of(" \r\n\t?#@") == std::string::npos) return {};
  return Error{Code::invalid, option,
               "must be a URL such as https://push.example.org:2197; nothing else than HTTPS is spoken"};
}

}  // namespace loft::push
