#include "cli/commands.hpp"

namespace loft::cli {
namespace {

// The same text as config/loft.yaml; a test compares them.
constexpr std::string_view text =
    R"yaml(# Loft on one machine: SQLite in ./data, listeners on loopback only, users that appear when they are first heard of.
# `loft check` reads this file and names every slip; docs/operating/options.md lists every option with its default.
# Beyond this machine three things below must change; production.yaml shows how, and Loft refuses to start until then.

data_dir: ./data                # database, control socket, lock

auth:
  jwt:
    # Signs and checks all tokens. Empty takes a secret that everybody knows.
    secret: ${env:LOFT_JWT_SECRET:-}

identity:
  auto_create: true             # a handle that is heard of for the first time becomes a user
  trust_header: true            # the header X-User-ID is believed without a token

storage:
  use: sqlite                   # a file in data_dir

broker:
  use: local                    # one host, no cluster

domains: [core, flix]           # Core:Text, Core:Image, …; Flix:Product, Flix:Order, …

listeners:                      # five contracts over one store; take out what nobody speaks
  - name: web
    listen: 127.0.0.1:8080
    transport: http
    websocket: true             # upgrades on the same port
    contracts: [im]

  - name: netherlink
    listen: 127.0.0.1:8081
    contracts: [netherlink]     # transport http and WebSocket are what a listener has by itself

  - name: flix
    listen: 127.0.0.1:4000
    contracts: [flix]

  - name: message_service
    listen: 127.0.0.1:8002
    contracts: [message_service]

  - name: packets
    listen: 127.0.0.1:7609
    transport: route_packet
    contracts: [carrypigeon]

# What operators decide, as plugins in the order in which they are asked: docs/operating/policy.md
# plugins: [interceptor.rate_limit, interceptor.word_filter, interceptor.block_list]

# How long messages are kept, by kind of conversation: docs/operating/retention-and-erasure.md
# retention: {direct: 90d, group: 365d, system: 30d, broadcast: forever}

# Notifications for users who are away: docs/operating/push.md
# push: {enabled: true, apns: {enabled: true, …}, fcm: {enabled: true, …}, email: {enabled: true}}

internal:
  listen: 127.0.0.1:7600        # /metrics, /livez, /readyz

log:
  level: info
  format: text                  # or json, logfmt
)yaml";

}  // namespace

std::string_view default_config() noexcept { return text; }

}  // namespace loft::cli
