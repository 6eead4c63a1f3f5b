// How fast a push channel hands notifications to a simulated provider, through the interface of the SDK and without a
// host; without --plugin the reference, libcurl alone with the same requests. The provider runs in another process.
//
//   push_rate --simulation JSON --channel apns|fcm --count N --connections C --window W [--plugin FILE.so]
//
// JSON is the line that `loft-push-simulate` prints. Prints one line of JSON; connections are opened within what is
// measured.
#include <chrono>
#include <cstdio>
#include <semaphore>

#include <loft/json.hpp>
#include <loft/push.hpp>

#include "plugin.hpp"
#include "push_plain.hpp"

namespace {

using namespace loft;
using namespace loft::load;

struct Arguments {
  PluginFile plugin;
  std::string simulation, channel;
  std::size_t count = 1000, connections = 1, window = 500;

  Arguments(int count_of_words, char** words) {
    for (int i = 1; i + 1 < count_of_words; i += 2) {
      const std::string word = words[i], value = words[i + 1];
      if (word == "--simulation") {
        simulation = value;
      } else if (word == "--channel") {
        channel = value;
      } else if (word == "--count") {
        count = std::stoull(value);
      } else if (word == "--connections") {
        connections = std::stoull(value);
      } else if (word == "--window") {
        window = std::stoull(value);
      } else if (!plugin.take(word, value)) {
        throw std::runtime_error("there is no option " + word);
      }
    }
    if (simulation.empty() || (channel != "apns" && channel != "fcm"))
      throw std::runtime_error("--simulation JSON and --channel apns|fcm are needed");
  }
};

Provider provider_of(const Arguments& a) {
  const auto line = json::parse(a.simulation);
  const auto at = [&](const char* name) {
    const auto found = line ? line->find(name) : std::nullopt;
    if (!found) throw std::runtime_error(std::string("--simulation does not say ") + name);
    return found->text().value_or("");
  };
  return {a.channel == "apns", at(a.channel.c_str()), at("token_uri"), at("ca_file"),        at("key_path"),
          at("key_id"),        at("team_id"),         at("bundle_id"), at("service_account")};
}

Told push_by_plugin(Arguments& a, const Provider& provider) {
  auto& options = a.plugin.options;
  options["endpoint"] = provider.endpoint;
  options["ca_file"] = provider.ca_file;
  options["connections"] = std::to_string(a.connections);
  options["window"] = std::to_string(a.window);
  if (provider.is_apns) {
    options["key_path"] = provider.key_path;
    options["key_id"] = provider.key_id;
    options["team_id"] = provider.team_id;
    options["bundle_id"] = provider.bundle_id;
  } else {
    options["service_account"] = provider.service_account;
  }
  testing::FakeHost host("push.measured", ".");
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  host.clock().jump_to(now.count());
  const auto channel = a.plugin.start<Push>(host);
  std::counting_semaphore<> room(static_cast<std::ptrdiff_t>(a.window));
  std::atomic<std::size_t> accepted{0};
  const auto begun = std::chrono::steady_clock::now();
  const auto cpu = cpu_seconds();
  Notification n;
  n.message = static_cast<MessageId>(4711);
  n.conversation = static_cast<ConversationId>(42);
  n.id = "123e4567-e89b-42d3-a456-426614174000";
  n.title = "Ada";
  n.body = "The text of a message, as long as most";
  n.collapse_key = "c42";
  n.badge = 3;
  n.expires = now.count() + 3'600'000;
  for (std::size_t i = 0; i < a.count; ++i) {
    room.acquire();
    n.device.token = device_token(provider, i);
    channel->send(n, [&](const PushVerdict& verdict) {
      if (verdict.kind == PushVerdict::Kind::accepted) ++accepted;
      room.release();
    });
  }
  for (std::size_t i = 0; i < a.window; ++i) room.acquire();
  Told told;
  told.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  told.cpu_seconds = cpu_seconds() - cpu;
  told.accepted = accepted;
  told.refused = a.count - accepted;
  channel->stop(0);
  return told;
}

}  // namespace

int main(int count, char** words) {
  try {
    Arguments a(count, words);
    const auto provider = provider_of(a);
    const auto told =
        a.plugin.file.empty() ? push_plainly(provider, a.connections, a.window, a.count) : push_by_plugin(a, provider);
    std::printf(R"({"per_second":%.1f,"cpu_us":%.2f,"accepted":%zu,"refused":%zu})"
                "\n",
                static_cast<double>(told.accepted) / told.seconds,
                told.cpu_seconds * 1e6 / static_cast<double>(std::max<std::size_t>(told.accepted, 1)), told.accepted,
                told.refused);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "push_rate: %s\n", e.what());
    return 1;
  }
}
