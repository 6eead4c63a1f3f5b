#include "fcm/service_account.hpp"

#include <loft/json.hpp>

namespace loft::push::fcm {
namespace {

constexpr std::string_view scope = "https://www.googleapis.com/auth/firebase.messaging";

Error bad(std::string detail) { return {Code::invalid, "service_account", std::move(detail)}; }

bool is_project(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.:") == std::string_view::npos;
}

}  // namespace

Result<ServiceAccount> read_service_account(std::string_view text) {
  const auto file = json::parse(text);
  if (!file || !file->is(json::Type::object))
    return bad("is no JSON object; Firebase's console gives the file under Project settings, Service accounts");
  const auto member = [&](const char* name) {
    const auto found = file->find(name);
    return found ? found->text().value_or("") : std::string();
  };
  if (member("type") != "service_account") {
    return bad(
        "is no service account's file (\"type\" is not \"service_account\"); google-services.json is for the app, "
        "this one is from Project settings, Service accounts");
  }
  for (const auto* name : {"project_id", "client_email", "private_key", "token_uri"}) {
    if (member(name).empty()) return bad(std::string("has no \"") + name + "\"");
  }
  if (!is_project(member("project_id"))) return bad("has a \"project_id\" that is none");
  auto signer = Signer::from_pem(Signer::Kind::rs256, member("private_key"));
  if (!signer) return bad("has a \"private_key\" that " + signer.error().detail);
  return ServiceAccount{member("project_id"), member("client_email"), member("private_key_id"), member("token_uri"),
                        std::move(*signer)};
}

std::string token_request(const ServiceAccount& account, Millis now) {
  const auto issued = now / 1000;
  std::string header, claims;
  json::Writer h(header);
  h.object().key("alg").string("RS256").key("typ").string("JWT");
  if (!account.key_id.empty()) h.key("kid").string(account.key_id);
  h.end_object();
  json::Writer c(claims);
  c.object().key("iss").string(account.client_email).key("scope").string(scope).key("aud").string(account.token_uri);
  c.key("iat").number(issued).key("exp").number(issued + 3600).end_object();
  return "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" +
         account.signer.jwt(header, claims);
}

}  // namespace loft::push::fcm
