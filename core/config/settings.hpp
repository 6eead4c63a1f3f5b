// The host's own sections, as plain data. Plugins' options stay in the document until their plugin is there to read
// them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <loft/clock.hpp>
#include <loft/log.hpp>
#include <loft/options.hpp>

#include "config/config.hpp"
#include "log/log.hpp"

namespace loft::config {

/// A plugin that the configuration asks for. `options` is valid as long as the Document.
struct PluginRef {
  std::string id;                     ///< `storage.sqlite`
  std::string instance;               ///< unique among the plugins of its kind; the id where nothing else is said
  Node options;                       ///< the map that holds the plugin's options; may be absent
  std::vector<std::string> reserved;  ///< keys of that map which are the host's: `options.apply(table, reserved)`
  Node place;                         ///< where the plugin is named, for problems
};

/// Under which name a plugin's instance logs: its id, or `<kind>.<instance>` where the instance has a name of its own.
std::string logger_name(const std::string& id, const std::string& instance);

/// The names under which the parts of the host itself log.
extern const std::vector<std::string> part_loggers;

/// `host:port` of an IPv4 or IPv6 literal.
struct Address {
  std::string text;  ///< as written
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
  bool loopback = false;
};

struct MountRef {
  std::string contract;  ///< an instance in `Settings::contracts`
  std::string mount;     ///< path prefix without a final slash; empty: none
  Node place;
};

struct ListenerSettings {
  std::string name;
  Address listen;
  PluginRef transport;            ///< `transport.http` or what the operator named
  bool websocket = true;          ///< with transport http: upgrades are served by `websocket_transport`
  PluginRef websocket_transport;  ///< `transport.websocket`; id empty without websocket
  std::string tls_certificate;
  std::string tls_key;
  std::vector<MountRef> contracts;  ///< in file order
  Node place;
};

/// One of `auth.jwt.keys`: whose tokens are believed besides the host's own. Exactly one of `secret`,
/// `public_key_file`, `jwks_file`, `jwks_url` is set, unless there is a problem with the place.
struct JwtKey {
  std::string algorithm;  ///< a JWS name; may be empty with a set of keys
  std::string secret;
  std::string public_key_file;
  std::string jwks_file;
  std::string jwks_url;
  std::string ca_file;  ///< for `jwks_url`; empty: the system's
  Millis refresh = 10 * 60'000;
  Millis refresh_unknown = 30'000;
  Millis timeout = 5'000;
  std::size_t max_bytes = 256 << 10;
  std::string kid;
  std::string issuer;
  std::string audience;
  bool services = false;
  Node place;
};

struct Settings {
  std::string data_dir = "./data";
  std::vector<std::string> plugin_path;  ///< the folder that belongs to the executable comes after them

  struct Server {
    unsigned threads = 0;  ///< 0: one per core
    Millis grace = 30'000;
    std::size_t outbox_bytes = 1 << 20;
    std::size_t max_connections = 100'000;
    unsigned blocking_threads = 4;
    std::size_t blocking_queue = 1024;
    unsigned window = 256;
  } server;

  struct Jwt {
    std::string secret;  ///< never empty after reading: the development secret stands in
    std::string issuer = "loft";
    Millis leeway = 30'000;
    bool require_exp = true;
    bool development_secret = true;
    std::vector<JwtKey> keys;  ///< in file order
  } jwt;

  struct IdentityRules {
    bool auto_create = false;
    bool trust_header = false;  ///< `X-User-ID` is believed
  } identity;

  struct Limits {
    std::size_t content_bytes = 64 << 10;
    std::size_t group_members = 100'000;
    std::size_t queue_messages = 16'384;  ///< submissions that wait for the writer
    std::size_t queue_bytes = 64 << 20;
  } limits;

  struct Retention {
    std::array<Millis, 4> keep{};  ///< by ConversationKind; 0: for ever
    Millis interval = 3'600'000;   ///< from the end of a round to the beginning of the next
    std::size_t batch = 500;
    Millis pause = 50;
    bool any() const noexcept { return keep != std::array<Millis, 4>{}; }
  } retention;

  Millis dedupe_keep = 7LL * 86'400'000;
  Millis receipts_keep = 30LL * 86'400'000;
  std::uint32_t receipts_group_max = 200;

  struct Log {
    LogLevel level = LogLevel::info;
    std::vector<std::pair<std::string, LogLevel>> levels;  ///< by logger: `part_loggers`, `logger_name`
    LogFormat format = LogFormat::text;
    std::string file;  ///< empty: standard error
  } log;

  /// Notifications for users who are away; see core/push.
  struct Push {
    enum class Privacy : std::uint8_t {
      full,     ///< sender, group and text
      sender,   ///< sender and group
      id_only,  ///< neither: the app fetches the message by its id
    };
    enum class Collapse : std::uint8_t {
      message,       ///< only a repeat replaces
      conversation,  ///< a conversation shows its newest message
    };
    struct Channel {
      std::string word;  ///< the key below `push`, and what `loft::Push::channel` says
      PluginRef plugin;
    };
    bool enabled = false;
    Millis delay = 2'000;
    Millis ttl = 86'400'000;
    unsigned attempts = 10;
    Millis retry_first = 5'000;
    Millis retry_longest = 600'000;
    Millis rest = 60'000;
    Millis keep = 7LL * 86'400'000;
    Millis lease = 60'000;
    unsigned workers = 2;
    std::size_t batch = 256;
    std::size_t devices = 20;
    bool badge = true;
    Privacy privacy = Privacy::full;
    Collapse collapse = Collapse::message;
    std::string locale;
    bool email = false;
    Millis email_interval = 15LL * 60'000;
    Millis email_after = 10LL * 60'000;
    std::vector<Channel> channels;  ///< the enabled ones, in file order, mail last; none where push is off
    Node place;
  } push;

  PluginRef storage;
  PluginRef broker;
  std::vector<PluginRef> domains;
  std::vector<ListenerSettings> listeners;
  std::vector<PluginRef> contracts;  ///< one per instance that a listener names, in that order
  std::vector<PluginRef> plugins;    ///< interceptors and the like, in the order of the file

  bool internal_enabled = true;
  Address internal;             ///< `/metrics`, `/livez`, `/readyz`
  PluginRef internal_contract;  ///< `contract.admin`

  // Where the values stand, for problems found later.
  Node secret_place;
  Node auto_create_place;
  Node trust_header_place;
  Node internal_place;

  bool loopback_only() const noexcept;
};

/// The most I/O threads a host has. What goes through messaging notes a message's threads in a set of this size.
inline constexpr unsigned most_io_threads = 256;

/// How many I/O threads to run on a machine of so many processors (0: not known).
unsigned io_threads(const Settings& settings, unsigned processors) noexcept;

/// The secret that stands in where none is configured. Public knowledge, hence for loopback only.
extern const std::string_view development_secret;

/// Reads the host's sections; what is wrong goes to the document's problems.
Settings read_settings(const Document& document);

/// What is fine on one's own machine and dangerous on a network: development secret, `identity.auto_create`,
/// `identity.trust_header` together with a listener that is not on a loopback address; the internal listener anywhere
/// else than there.
std::vector<Problem> check_exposure(const Settings& settings);

/// `127.0.0.1:8080`, `[::1]:0`. Error: invalid with the remedy in `detail`.
Result<Address> parse_address(std::string_view text);

/// One part of the option reference.
struct ReferenceSection {
  std::string title;  ///< `server`, `storage.sqlite`
  std::string intro;  ///< a sentence or two; may be empty
  const OptionTable* table = nullptr;
};

/// The reference as Markdown: the host's sections, then the given ones (plugins), in their order.
std::string render_reference(const std::vector<ReferenceSection>& plugins);

}  // namespace loft::config
