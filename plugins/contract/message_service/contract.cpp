#include "contract.hpp"

#include <loft/token_options.hpp>

#include "errors.hpp"
#include "request.hpp"

namespace loft::message_service {

void MessageServiceContract::options(OptionTable& table) {
  auto& settings = shared_.settings;
  table.boolean("always_200", settings.always_200,
                "Answer every request with HTTP status 200, also failures; the code is in the body either way.");
  table.duration("recall_window", settings.recall_window, "A message can be recalled for this long.")
      .range(1, 365.0 * 86'400'000);
  table.integer("forward_targets", settings.forward_targets, "Users and groups that one request may forward to.")
      .range(1, 1000);
  table
      .integer("unread_conversations", settings.unread_conversations,
               "Conversations that the list of unread ones names; the total counts them all.")
      .range(1, 10'000);
  table.text("locale", settings.locale, "Language of the text that stands for messages this contract cannot show.");
  table.text("recalled_text", settings.recalled_text, "What is shown in the place of a recalled message.");
  token_options(table, shared_.tokens);
}

void MessageServiceContract::setup(Host& host) {
  shared_.host = &host;
  shared_.wire.begin(host.domains(), shared_.settings.locale, shared_.settings.recalled_text);
}

void MessageServiceContract::routes(Routes& routes) {
  send_routes(shared_, routes);
  forward_routes(shared_, routes);
  history_routes(shared_, routes);
  message_routes(shared_, routes);
  group_routes(shared_, routes);
  member_routes(shared_, routes);
  routes.otherwise([this](const HttpExchangePtr& exchange, unsigned status) {
    Request(shared_, exchange).refuse(http_refusal(status));
  });
}

}  // namespace loft::message_service
