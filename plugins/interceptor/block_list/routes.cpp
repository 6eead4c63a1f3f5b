#include "block_list/routes.hpp"

#include <algorithm>
#include <array>

#include <loft/contract_tools.hpp>
#include <loft/http_status.hpp>

namespace loft::block_list {
namespace {

using UserPtr = std::shared_ptr<const User>;

struct Row {
  unsigned status;
  bool says_why;
};
// In the order of Code. What is not the caller's fault says nothing about the host.
constexpr std::array rows{Row{400, true}, Row{401, false}, Row{403, true},  Row{404, true},  Row{409, true},
                          Row{409, true}, Row{413, true},  Row{503, false}, Row{503, false}, Row{500, false}};
static_assert(rows.size() == static_cast<std::size_t>(Code::internal) + 1);

/// RFC 9457, as for everything that is not part of a wire contract.
void refuse(HttpExchange& exchange, const Error& error) {
  const auto& row = rows[static_cast<std::size_t>(error.code)];
  const auto body = problem(row.status, row.says_why ? error.detail : std::string_view(),
                            row.says_why || row.status == 401 ? error.reason : std::string_view(name(error.code)));
  constexpr HttpHeader challenge[] = {{"WWW-Authenticate", "Bearer"}};
  constexpr HttpHeader retry[] = {{"Retry-After", "1"}};
  if (row.status == 401) return exchange.respond(row.status, problem_type, body, challenge);
  if (row.status == 503) return exchange.respond(row.status, problem_type, body, retry);
  exchange.respond(row.status, problem_type, body);
}

/// The user of the token, or an answer that says why not.
template <class Then>
void proven(const Services& services, const HttpExchangePtr& exchange, Then then) {
  const auto claims = services.identity.verify(bearer(exchange->header("Authorization")));
  if (!claims) return refuse(*exchange, claims.error());
  as_user(
      services.users, exchange, *claims, [exchange](const Error& error) { refuse(*exchange, error); }, std::move(then));
}

Result<UserRef> named(const HttpExchange& exchange) {
  std::string text(exchange.parameter("user"));
  const auto by = exchange.query_value("by").value_or("handle");
  if (by == "handle") return UserRef::handle(std::move(text));
  if (by == "uuid") return UserRef::uuid(std::move(text));
  const auto value = json::parse(text);
  if (by == "id" && value && value->integer() && *value->integer() > 0) {
    return UserRef::of(static_cast<UserId>(*value->integer()));
  }
  return Error{Code::invalid, "blocks.by",
               by == "id" ? "with by=id the user is a whole number" : "by is one of handle, id, uuid"};
}

void edit(const Services& services, const HttpExchangePtr& exchange, bool blocks) {
  proven(services, exchange, [&services, exchange, blocks](const Caller& caller, const UserPtr& owner) {
    auto other = named(*exchange);
    if (!other) return refuse(*exchange, other.error());
    services.users.find(caller, std::move(*other),
                        [&services, exchange, blocks, caller, owner](Result<UserPtr> found) mutable {
                          if (!found) return refuse(*exchange, found.error());
                          auto answer = [exchange](Result<bool> done) {
                            if (!done) return refuse(*exchange, done.error());
                            exchange->respond(204, {}, {});
                          };
                          auto& editor = services.editor;
                          if (blocks)
                            editor.block(caller, owner->id, (*found)->id, std::move(answer));
                          else
                            editor.unblock(caller, owner->id, (*found)->id, std::move(answer));
                        });
  });
}

/// Users being looked up for one answer.
struct Listing {
  HttpExchangePtr exchange;
  std::size_t limit = 0;
  std::vector<UserPtr> users;
  std::size_t awaited = 0;
  std::optional<Error> failed;

  void finish() {
    if (failed) return refuse(*exchange, *failed);
    std::string body;
    json::Writer writer(body);
    writer.object().key("blocks").array();
    for (const auto& user : users) {
      if (user == nullptr) continue;  // gone
      writer.object().key("user").string(user->handle).key("uid").number(raw(user->id)).key("uuid").string(user->uuid);
      writer.end_object();
    }
    writer.end_array().key("limit").number(limit).end_object();
    exchange->respond(200, "application/json", body);
  }
};

void list(const Services& services, const HttpExchangePtr& exchange) {
  proven(services, exchange, [&services, exchange](const Caller& caller, const UserPtr& owner) {
    auto listing = std::make_shared<Listing>();
    listing->exchange = exchange;
    listing->limit = services.limit;
    const auto known = services.table.find(owner->id);
    if (known == nullptr || known->blocked.empty()) return listing->finish();
    listing->users.resize(known->blocked.size());
    listing->awaited = known->blocked.size();
    for (std::size_t i = 0; i < known->blocked.size(); ++i) {
      services.users.find(caller, UserRef::of(known->blocked[i]), [listing, i](Result<UserPtr> user) {
        if (user)
          listing->users[i] = std::move(*user);
        else if (user.error().code != Code::not_found)
          listing->failed = std::move(user.error());
        if (--listing->awaited == 0) listing->finish();
      });
    }
  });
}

}  // namespace

void declare(Routes& routes, const Services& services) {
  routes.http(HttpMethod::get, "/api/v1/blocks",
              [&services](const HttpExchangePtr& exchange) { list(services, exchange); });
  routes.http(HttpMethod::put, "/api/v1/blocks/:user",
              [&services](const HttpExchangePtr& exchange) { edit(services, exchange, true); });
  routes.http(HttpMethod::del, "/api/v1/blocks/:user",
              [&services](const HttpExchangePtr& exchange) { edit(services, exchange, false); });
}

}  // namespace loft::block_list
