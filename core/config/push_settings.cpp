#include "config/push_settings.hpp"

#include <algorithm>

#include "config/plugin_refs.hpp"

namespace loft::config {
namespace {

/// A block with every key but that one looks as if it were on.
void says_enabled(const Settings::Push& push, const Node& channel) {
  if (push.enabled && channel.is_map() && !channel["enabled"].present())
    channel.problem("does not say whether it is on; write `enabled: true` or `enabled: false` into it");
}

}  // namespace

std::vector<std::string> push_channels(const Node& node, const OptionTable& table) {
  std::vector<std::string> words = {"email"}, options;
  for (const auto& row : table.rows()) options.push_back(row.name);
  for (const auto& key : node.keys()) {
    if (key == "email" || std::find(options.begin(), options.end(), key) != options.end()) continue;
    if (node[key].is_map()) {
      words.push_back(key);
      continue;
    }
    const auto near = nearest(key, options);
    node[key].problem("is neither an option of push nor the mapping of a channel" +
                      (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  return words;
}

void read_push(const Node& root, const std::vector<std::string>& words, Settings& settings) {
  auto& push = settings.push;
  push.place = root.option("push.enabled");
  if (push.retry_first > push.retry_longest)
    root.option("push.retry_longest").problem("must not be shorter than push.retry_first");
  const auto node = root["push"];
  for (const auto& word : words) {
    if (word == "email") continue;
    const auto options = node[word];
    const auto enabled = options["enabled"];
    if (enabled.present() && enabled.text() != "true" && enabled.text() != "false")
      enabled.problem("takes true or false");
    says_enabled(push, options);
    auto ref = section(options, "push", word);
    ref.instance = "push." + word;
    ref.reserved.emplace_back("enabled");
    if (push.enabled && enabled.present() && enabled.text() == "true") push.channels.push_back({word, std::move(ref)});
  }
  says_enabled(push, node["email"]);
  if (!push.enabled || !push.email) return;
  PluginRef mail{"push.smtp", "push.smtp", root["email"], {}, root.option("push.email.enabled")};
  push.channels.push_back({"email", std::move(mail)});
}

void check_device_channels(const Settings& settings) {
  if (!settings.push.enabled) return;
  std::vector<std::string> words;
  for (const auto& channel : settings.push.channels) words.push_back(channel.word);
  for (const auto& contract : settings.contracts) {
    if (contract.id != "contract.push") continue;
    const auto channels = contract.options["channels"];
    for (const auto& platform : channels.keys()) {
      const auto word = channels[platform].text();
      if (std::find(words.begin(), words.end(), word) != words.end()) continue;
      const auto near = nearest(word, words);
      channels[platform].problem("'" + word +
                                 "' is no channel that is enabled below `push`: its devices would get nothing" +
                                 (near.empty() ? "" : "; did you mean '" + near + "'?"));
    }
  }
}

}  // namespace loft::config
