// loft-push-simulate: APNs, FCM and Google's token endpoint, for rehearsals and tests.
#include <CLI/CLI.hpp>
#include <loft/json_writer.hpp>

#include <iostream>

#include "simulate/apns.hpp"
#include "simulate/google.hpp"
#include "simulate/server.hpp"

namespace {

namespace fs = std::filesystem;
using namespace loft::simulate;

struct Arguments {
  std::string state, pushes, listen = "127.0.0.1";
  std::vector<std::string> names, faults;
  std::string key_id = "SIMULATED1", team_id = "SIMTEAM001";
  std::vector<std::string> bundles = {"org.example.chat"};
  std::uint16_t apns_port = 0, google_port = 0;
  unsigned max_streams = 1000;
  std::uint64_t seed = 1;
  loft::Millis slow = 5'000, token_slow = 0;
  std::int64_t token_seconds = 3599;
  std::string retry_after = "1";
};

void describe(CLI::App& app, Arguments& a) {
  app.add_option("--state", a.state, "Folder for certificate and keys; they are made where they are missing")
      ->required();
  app.add_option("--pushes", a.pushes,
                 "File to which each accepted push is appended, one JSON object a line; the default is pushes.ndjson "
                 "in the folder");
  app.add_option("--listen", a.listen, "Address to listen on")->capture_default_str();
  app.add_option("--name", a.names, "Further host name or address that the certificate is good for");
  app.add_option("--apns-port", a.apns_port, "Port of APNs; 0: any free one")->capture_default_str();
  app.add_option("--fcm-port", a.google_port, "Port of FCM and the token endpoint; 0: any free one")
      ->capture_default_str();
  app.add_option("--key-id", a.key_id, "Id of the APNs key")->capture_default_str();
  app.add_option("--team-id", a.team_id, "The developer team's id")->capture_default_str();
  app.add_option("--bundle-id", a.bundles, "Bundle id that pushes are taken for")->capture_default_str();
  app.add_option("--fault", a.faults,
                 "NAME=PERCENT: so many pushes have that fault, such as 500=5, drop=1, 410=0.5; NAME as at the "
                 "beginning of a device token");
  app.add_option("--seed", a.seed, "Of the chance that --fault takes")->capture_default_str();
  app.add_option("--slow", a.slow, "Milliseconds that `slow` takes")->capture_default_str();
  app.add_option("--retry-after", a.retry_after, "Retry-After of 429 and 503: seconds, or a date")
      ->capture_default_str();
  app.add_option("--token-seconds", a.token_seconds, "So long an access token for FCM is good")->capture_default_str();
  app.add_option("--token-slow", a.token_slow, "Milliseconds that an access token for FCM takes")
      ->capture_default_str();
  app.add_option("--max-streams", a.max_streams, "Requests at once on one connection")->capture_default_str();
}

std::string service_account(const GoogleRules& rules, const Keys& keys) {
  std::string out;
  loft::json::Writer w(out);
  w.object().key("type").string("service_account").key("project_id").string(rules.project);
  w.key("private_key_id").string(rules.key_id).key("private_key").string(keys.google_private);
  w.key("client_email").string(rules.client_email).key("client_id").string("100000000000000000001");
  w.key("token_uri").string(rules.token_uri).end_object();
  return out;
}

int run(const Arguments& a) {
  const fs::path folder = fs::absolute(a.state);
  const auto keys = prepare_keys(folder, a.key_id, a.names);
  Faults faults(a.seed);
  for (const auto& each : a.faults) {
    if (const auto added = faults.add_chance(each); !added) throw std::runtime_error(added.error().detail);
  }
  const auto pushes = a.pushes.empty() ? folder / "pushes.ndjson" : fs::absolute(a.pushes);
  PushFile file(pushes.string());
  ApnsSide apns({a.key_id, a.team_id, a.bundles, keys.apns_public, a.slow, a.retry_after}, faults, file);
  GoogleRules rules;
  rules.client_email = "loft@" + rules.project + ".iam.gserviceaccount.com";
  rules.key_id = "simulated";
  rules.public_key = keys.google_public;
  rules.token_seconds = a.token_seconds;
  rules.slow = a.slow;
  rules.token_slow = a.token_slow;
  rules.retry_after = a.retry_after;
  GoogleSide google(rules, faults, file);

  Server server(keys);
  const auto url = [&](std::uint16_t port) {
    const bool is_v6 = a.listen.find(':') != std::string::npos;
    return "https://" + (is_v6 ? "[" + a.listen + "]" : a.listen) + ":" + std::to_string(port);
  };
  const auto apns_url = url(server.listen({a.listen, a.apns_port, false, a.max_streams},
                                          [&](const Call& call) { return apns.answer(call); }));
  const auto google_url = url(server.listen({a.listen, a.google_port, true, a.max_streams},
                                            [&](const Call& call) { return google.answer(call); }));
  rules.token_uri = google_url + "/token";
  const auto account = folder / "service-account.json";
  write_private(account, service_account(rules, keys));

  std::string out;
  loft::json::Writer w(out);
  w.object().key("apns").string(apns_url).key("fcm").string(google_url).key("token_uri").string(rules.token_uri);
  w.key("ca_file").string(keys.ca_file.string()).key("key_path").string(keys.apns_key_file.string());
  w.key("key_id").string(a.key_id).key("team_id").string(a.team_id).key("bundle_id").string(a.bundles.front());
  w.key("service_account").string(account.string()).key("pushes").string(pushes.string()).end_object();
  std::cout << out << std::endl;
  server.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(
      "Stands in for APNs, FCM and Google's token endpoint; prints its addresses and files as one line of JSON");
  describe(app, arguments);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(arguments);
  } catch (const std::exception& failure) {
    std::cerr << "loft-push-simulate: " << failure.what() << '\n';
    return 1;
  }
}
