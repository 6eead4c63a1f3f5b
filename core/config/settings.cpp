#include "config/settings.hpp"

#include <algorithm>
#include <set>

#include "config/plugin_refs.hpp"
#include "config/push_settings.hpp"
#include "config/scalars.hpp"
#include "config/sections.hpp"

namespace loft::config {

const std::string_view development_secret = "loft development secret, not for production";

unsigned io_threads(const Settings& settings, unsigned processors) noexcept {
  if (settings.server.threads != 0) return settings.server.threads;
  return std::clamp(processors, 1u, most_io_threads);
}

namespace {

constexpr std::string_view internal_name = "internal";  // of the operator's listener in log and ports.json
constexpr std::size_t shortest_secret = 32;             // RFC 7518 §3.2: as long as the hash

class Reader {
 public:
  explicit Reader(const Document& document) : root_(document.root()) {}

  Settings read() {
    std::vector<std::string> names = {"auth",      "storage",   "broker",  "domains",
                                      "listeners", "contracts", "plugins", "email"};
    auto sections = host_sections(settings_, drafts_);
    for (const auto& each : sections) {
      if (!each.path.empty()) names.push_back(each.path.substr(0, each.path.find('.')));
    }
    for (auto& each : sections) {
      if (each.path == "push") each.also_known = push_words_ = push_channels(root_["push"], each.table);
      if (each.path.empty())
        root_.apply(each.table, names);
      else
        root_.option(each.path).apply(each.table, each.also_known);
    }
    OptionTable none;
    root_["auth"].apply(none, {"jwt"});
    if (settings_.data_dir.empty()) {
      root_["data_dir"].problem("must name a folder, such as ./data");
      settings_.data_dir = Settings().data_dir;  // whoever goes on to look for further problems has one
    }
    read_sizes();
    read_jwt();
    read_identity();
    settings_.storage = section(root_["storage"], "storage", "sqlite");
    settings_.broker = section(root_["broker"], "broker", "local");
    read_domains();
    read_retention();
    read_push(root_, push_words_, settings_);
    read_internal();
    read_listeners();
    read_plugins();
    read_contracts();
    check_device_channels(settings_);
    read_log();
    return std::move(settings_);
  }

 private:
  /// A message that no connection can hold would close every connection it is sent to.
  void read_sizes() {
    if (settings_.limits.content_bytes <= settings_.server.outbox_bytes / 2) return;
    const bool by_content = root_["limits"]["content_bytes"].present();
    root_.option(by_content ? "limits.content_bytes" : "server.outbox_bytes")
        .problem(
            "limits.content_bytes must be at most half of server.outbox_bytes, or a message would not fit into what "
            "a connection may have unsent");
  }

  void read_jwt() {
    auto& jwt = settings_.jwt;
    settings_.secret_place = root_.option("auth.jwt.secret");
    if (!jwt.secret.empty() && jwt.secret.size() < shortest_secret) {
      settings_.secret_place.problem("is too short: at least 32 bytes; make one with `openssl rand -hex 32`");
    }
    if (jwt.secret.empty()) jwt.secret = development_secret;
    jwt.development_secret = jwt.secret == development_secret;
    jwt.keys = read_jwt_keys(root_.option("auth.jwt.keys"));
  }

  void read_identity() {
    settings_.auto_create_place = root_.option("identity.auto_create");
    settings_.trust_header_place = root_.option("identity.trust_header");
  }

  /// Last of all: every name must be that of a logger, and those of plugins are known only then.
  void read_log() {
    auto loggers = part_loggers;
    const auto add = [&loggers](const PluginRef& ref) {
      if (!ref.id.empty()) loggers.push_back(logger_name(ref.id, ref.instance));
    };
    for (const auto* ref : {&settings_.storage, &settings_.broker, &settings_.internal_contract}) add(*ref);
    for (const auto* list : {&settings_.domains, &settings_.contracts, &settings_.plugins}) {
      std::for_each(list->begin(), list->end(), add);
    }
    for (const auto& channel : settings_.push.channels) add(channel.plugin);
    loggers.emplace_back("transport.http");  // the internal listener's
    for (const auto& listener : settings_.listeners) add(listener.transport), add(listener.websocket_transport);
    for (const auto& [name, level] : drafts_.log_levels) {
      check_logger(name, loggers);
      const auto found = std::find(log_level_names.begin(), log_level_names.end(), level);
      if (found == log_level_names.end()) {
        root_["log"]["levels"][name].problem("is not one of trace, debug, info, warn, error, off");
      } else {
        settings_.log.levels.emplace_back(name, static_cast<LogLevel>(found - log_level_names.begin()));
      }
    }
  }

  /// A name also covers those below it: `storage` is the level of `storage.sqlite`.
  void check_logger(const std::string& name, const std::vector<std::string>& loggers) {
    std::set<std::string> names;
    for (const auto& logger : loggers) {
      if (logger == name || logger.starts_with(name + ".")) return;
      names.insert(logger);
    }
    auto near = nearest(name, loggers);
    for (const auto& logger : names) {
      if (near.empty() && logger.ends_with("." + name)) near = logger;  // `im` for `contract.im`
    }
    std::string all;
    for (const auto& each : names) all += (all.empty() ? "" : ", ") + each;
    root_["log"]["levels"][name].problem("is neither a plugin of this configuration nor a part of the host" +
                                         (near.empty() ? "; there are " + all : "; did you mean '" + near + "'?"));
  }

  void read_domains() {
    const auto node = root_["domains"];
    if (!node.present()) settings_.domains.push_back(named(node, "domain", "core", node["core"]));
    if (node.present() && !node.is_list()) node.problem("takes a list of domain plugins, such as [core]");
    for (const auto& item : node.items())
      settings_.domains.push_back(own_name(word_or_map(item, "domain", "core"), item));
    unique(settings_.domains, "this domain plugin is named twice; remove one, or give each its own `name`");
  }

  void read_retention() {
    constexpr const char* kinds[] = {"direct", "group", "system", "broadcast"};
    constexpr Millis longest = 36'500LL * 86'400'000;
    for (std::size_t kind = 0; kind < std::size(kinds); ++kind) {
      const auto& text = drafts_.retention[kind];
      if (text == "forever") continue;
      const auto keep = parse_duration(text);
      auto wrong = keep.wrong;
      if (wrong.empty() && (keep.value < 1000 || keep.value > longest)) wrong = "must be from 1s to 36500d";
      if (wrong.empty())
        settings_.retention.keep[kind] = keep.value;
      else
        root_["retention"][kinds[kind]].problem("'" + text + "' " + wrong + "; or `forever`");
    }
  }

  void read_internal() {
    settings_.internal_place = root_.option("internal.listen");
    auto address = parse_address(drafts_.internal_listen);
    if (address.ok())
      settings_.internal = std::move(*address);
    else
      root_["internal"]["listen"].problem(address.error().detail);
    const auto options = root_["contracts"]["admin"];
    settings_.internal_contract = {"contract.admin", "admin", options, {"use"}, root_["internal"]};
  }

  void read_listeners() {
    const auto node = root_["listeners"];
    if (node.present() && !node.is_list()) return node.problem("takes a list; each listener begins with `- listen: `");
    std::set<std::string> names;
    std::set<std::string> addresses;
    if (settings_.internal_enabled && settings_.internal.port != 0) addresses.insert(settings_.internal.text);
    for (const auto& item : node.items()) {
      auto listener = read_listener(item, settings_.listeners.size() + 1);
      if (listener.name == internal_name) {
        item["name"].problem("is the name of the host's own listener, see `internal`; choose another, such as web");
      }
      if (!names.insert(listener.name).second) item["name"].problem("another listener has this name");
      if (listener.listen.port != 0 && !addresses.insert(listener.listen.text).second) {
        item["listen"].problem("another listener has this address and port");
      }
      settings_.listeners.push_back(std::move(listener));
    }
  }

  ListenerSettings read_listener(const Node& node, std::size_t number) {
    ListenerSettings listener;
    listener.place = node;
    ListenerDraft draft;
    draft.name = "listener" + std::to_string(number);
    auto table = draft.table(listener);
    node.apply(table, {"transport", "websocket", "contracts"});
    listener.name = draft.name;
    if (!draft.listen.empty()) {
      auto address = parse_address(draft.listen);
      if (address.ok())
        listener.listen = std::move(*address);
      else
        node["listen"].problem(address.error().detail);
    }
    if (listener.tls_certificate.empty() != listener.tls_key.empty()) {
      const bool no_key = listener.tls_key.empty();
      node.option("tls").problem(no_key ? "has a certificate and no key; give tls.key"
                                        : "has a key and no certificate; give tls.certificate");
    }
    listener.transport = word_or_map(node["transport"], "transport", "http");
    read_websocket(node["websocket"], listener);
    own_instance(listener.transport, listener.name);
    own_instance(listener.websocket_transport, listener.name);
    read_mounts(node["contracts"], listener);
    return listener;
  }

  /// Listeners share a transport as long as they give it no options.
  static void own_instance(PluginRef& ref, const std::string& listener) {
    if (ref.id.empty() || !ref.options.present()) return;
    ref.instance = listener + ref.id.substr(ref.id.find('.'));
  }

  void read_websocket(const Node& node, ListenerSettings& listener) {
    const bool http = listener.transport.id == "transport.http";
    bool wanted = http;
    auto ref = named(node, "transport", "websocket", node);
    ref.reserved = {"use"};
    if (node.is_map()) {
      ref = section(node, "transport", "websocket");
      wanted = true;
    } else if (node.present()) {
      if (node.text() != "true" && node.text() != "false") node.problem("takes true, false, or a mapping of options");
      wanted = node.text() == "true";
      ref.options = node["options"];
    }
    if (wanted && !http && !listener.transport.id.empty())
      node.problem("needs `transport: http`: a WebSocket begins with an HTTP request");
    listener.websocket = wanted && http;
    if (listener.websocket) listener.websocket_transport = std::move(ref);
  }

  void read_mounts(const Node& node, ListenerSettings& listener) {
    if (!node.is_list()) {
      return (node.present() ? node : listener.place)
          .problem("needs `contracts`, the list of contracts it serves, such as [im]");
    }
    if (node.items().empty()) node.problem("is empty; name the contracts that this listener serves, such as [im]");
    for (const auto& item : node.items()) {
      MountRef mount;
      mount.place = item;
      if (item.is_map()) {
        OptionTable table;
        table.text("use", mount.contract, "The contract, an instance under `contracts` or a plugin's name.").required();
        table.text("mount", mount.mount, "Path prefix.");
        item.apply(table);
        if (!mount.mount.empty() && (!mount.mount.starts_with('/') || mount.mount.ends_with('/'))) {
          item["mount"].problem("must begin with a slash and not end with one, such as /im");
        }
      } else if (item.is_scalar()) {
        mount.contract = item.text();
      } else {
        item.problem("takes a contract's name, or a mapping such as {use: im, mount: /im}");
      }
      if (mount.contract.empty()) continue;
      if (mount.contract.starts_with("contract.")) mount.contract.erase(0, 9);
      if (!name_like(mount.contract)) item.problem("must name a contract in lower case, such as im");
      const auto same = [&](const MountRef& other) {
        return other.contract == mount.contract && other.mount == mount.mount;
      };
      if (std::any_of(listener.contracts.begin(), listener.contracts.end(), same))
        item.problem("stands here twice; remove one");
      listener.contracts.push_back(std::move(mount));
    }
  }

  /// An instance per name that a listener uses. Options for names that nobody uses are a slip.
  void read_contracts() {
    const auto node = root_["contracts"];
    if (node.present() && !node.is_map()) node.problem("takes a mapping of contract names to their options");
    std::vector<std::string> used;
    for (const auto& listener : settings_.listeners) {
      for (const auto& mount : listener.contracts) {
        if (std::find(used.begin(), used.end(), mount.contract) != used.end()) continue;
        // One that stands under `plugins` may have routes besides.
        const auto is_it = [&](const PluginRef& ref) { return ref.instance == mount.contract; };
        if (std::any_of(settings_.plugins.begin(), settings_.plugins.end(), is_it)) continue;
        used.push_back(mount.contract);
        const auto options = node[mount.contract];
        auto ref = section(options, "contract", mount.contract);
        if (!options.present()) ref.place = mount.place;
        ref.instance = mount.contract;
        settings_.contracts.push_back(std::move(ref));
      }
    }
    if (settings_.internal_enabled) used.push_back("admin");
    for (const auto& key : node.keys()) {
      if (std::find(used.begin(), used.end(), key) != used.end()) continue;
      const auto near = nearest(key, used);
      node[key].problem("is a contract that no listener names" +
                        (near.empty() ? "; name it there or remove it" : "; did you mean '" + near + "'?"));
    }
  }

  void read_plugins() {
    const auto node = root_["plugins"];
    if (node.present() && !node.is_list())
      return node.problem("takes a list; each plugin begins with `- use: kind.name`");
    for (const auto& item : node.items()) {
      std::string use;
      std::string name;
      OptionTable table;
      table.text("use", use, "The plugin's id, `kind.name`.").required();
      table.text("name", name, "Name of this instance.");
      if (item.is_scalar())
        use = item.text();
      else
        item.apply(table, {"options"});
      if (use.empty()) continue;
      const auto place = item.is_scalar() ? item : item["use"];
      if (!name_like(use) || use.find('.') == std::string::npos)
        place.problem("must be a plugin's id, kind and name, such as filter.words");
      PluginRef ref{use, name.empty() ? use : name, item["options"], {}, place};
      settings_.plugins.push_back(std::move(ref));
    }
    unique(settings_.plugins, "this name is taken by another plugin; give each its own `name`");
  }

  static void unique(const std::vector<PluginRef>& refs, const char* message) {
    std::set<std::string> seen;
    for (const auto& ref : refs) {
      if (!seen.insert(ref.instance).second) ref.place.problem(message);
    }
  }

  Node root_;
  Settings settings_;
  Drafts drafts_;
  std::vector<std::string> push_words_;  ///< the channels' keys
};

}  // namespace

const std::vector<std::string> part_loggers = {"bus",       "endpoint", "followers", "host", "identity",
                                               "messaging", "net",      "plugins",   "push"};

std::string logger_name(const std::string& id, const std::string& instance) {
  const auto kind = id.substr(0, id.find('.') + 1);
  return instance == id || instance.starts_with(kind) ? instance : kind + instance;
}

bool Settings::loopback_only() const noexcept {
  return std::all_of(listeners.begin(), listeners.end(), [](const auto& listener) { return listener.listen.loopback; });
}

Settings read_settings(const Document& document) { return Reader(document).read(); }

}  // namespace loft::config
