#include "host/runtime.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <set>
#include <thread>

#include "transfer/mark.hpp"

namespace loft {
namespace {

constexpr Millis sweep_period = 500;
/// How long a stop waits for the writer before it says goodbye: some commits on a slow disk.
constexpr Millis answer_patience = 2'000;
/// How long the internal listener's last answers may take.
constexpr Millis internal_patience = 500;

/// The operator's folders, then the host's own: a folder for one more plugin does not hide the host's.
std::vector<std::string> search_path(const config::Settings& settings) {
  auto path = settings.plugin_path;
  const auto add = [&path](const std::filesystem::path& folder) {
    if (std::find(path.begin(), path.end(), folder) == path.end()) path.push_back(folder);
  };
  // build/release/bin/loft and /usr/bin/loft both have their plugins beside them.
  const auto root = std::filesystem::canonical("/proc/self/exe").parent_path().parent_path();
  add(root / "lib/loft/plugins");
  add(root / LOFT_LIBDIR "/loft/plugins");
  return path;
}

unsigned io_threads(const config::Settings& settings) {
  return config::io_threads(settings, std::thread::hardware_concurrency());
}

net::EngineOptions engine_options(const config::Settings& settings) {
  net::EngineOptions options;
  options.threads = io_threads(settings);
  options.outbox_bytes = settings.server.outbox_bytes;
  options.max_connections = settings.server.max_connections;
  return options;
}

net::EngineOptions internal_options() {
  net::EngineOptions options;
  options.threads = 1;
  options.max_connections = 256;
  return options;
}

}  // namespace

// What one plugin instance sees of the host.
class Runtime::PluginHost final : public Host {
 public:
  PluginHost(Runtime& runtime, const PluginInstance& instance)
      : runtime_(runtime),
        instance_(instance.name()),
        key_values_(runtime.core_->key_values(std::string(instance.id()))),
        log_(runtime.log_system_.logger(config::logger_name(instance.id(), instance.name()))) {}

  std::string_view instance() const noexcept override { return instance_; }
  std::string_view data_dir() const noexcept override { return runtime_.settings_.data_dir; }
  Logger& log() noexcept override { return log_; }
  const Clock& clock() const noexcept override { return runtime_.clock_; }
  Metrics& metrics() noexcept override { return *runtime_.metrics_; }
  Bus& bus() noexcept override { return *runtime_.bus_; }
  Messaging& messaging() override { return *runtime_.core_; }
  Users& users() override { return *runtime_.core_; }
  Identity& identity() override { return *runtime_.identity_; }
  Domains& domains() override { return runtime_.core_->domains(); }
  Inspector& inspector() override { return runtime_; }
  KeyValues& key_values() override { return *key_values_; }
  bool run_blocking(Function<void()> work) override { return runtime_.pool_->run(std::move(work)); }
  void post(const Caller& caller, Function<void()> work) override {
    runtime_.engine_->post(caller.thread, std::move(work));
  }
  void command(std::string name, CommandHandler run) override {
    if (!runtime_.commands_.emplace(name, std::move(run)).second)
      throw std::invalid_argument("the command " + name + " is offered by two plugins");
  }
  bool loopback_only() const noexcept override { return runtime_.settings_.loopback_only(); }
  bool trusts_user_header() const noexcept override { return runtime_.settings_.identity.trust_header; }

 private:
  Runtime& runtime_;
  std::string instance_;
  std::unique_ptr<KeyValues> key_values_;
  Logger& log_;
};

Runtime::Runtime(const config::Document& document, config::Settings settings, LogSystem& log)
    : document_(document),
      log_system_(log),
      log_(log.logger("host")),
      settings_(std::move(settings)),
      metrics_(std::make_unique<MetricsImpl>()),
      turned_(io_threads(settings_)) {
  settings_.data_dir = std::filesystem::absolute(settings_.data_dir).lexically_normal().string();
  engine_ = net::Engine::create(engine_options(settings_), clock_, log.logger("net"), *metrics_);
  if (settings_.internal_enabled)
    internal_engine_ = net::Engine::create(internal_options(), clock_, log.logger("net"), *metrics_);
  BusThreads threads;
  threads.origin = [] { return net::Engine::current_thread(); };
  threads.post = [this](unsigned thread, Function<void()> work) { engine_->post(thread, std::move(work)); };
  threads.after = [this](Millis in, Function<void()> work) {
    engine_->after(net::Engine::current_thread(), in, std::move(work));
  };
  bus_ = std::make_unique<BusImpl>(std::move(threads), clock_, log.logger("bus"), *metrics_);
  plugins_ = std::make_unique<PluginSet>(search_path(settings_), *bus_, log.logger("plugins"), clock_);
  const auto& jwt = settings_.jwt;
  // A secret that is too short is noted already; whoever goes on to look for further problems needs some other.
  const auto secret = jwt.secret.size() < 32 ? std::string(config::development_secret) : jwt.secret;
  identity_ =
      std::make_unique<JwtIdentity>(secret, jwt.issuer, identity::ClaimRules{jwt.leeway, jwt.require_exp}, clock_);
  load_plugins();
  configure_plugins();
  for (auto& problem : config::check_exposure(settings_)) found_.push_back(std::move(problem));
}

Runtime::~Runtime() {
  if (plugins_->left_behind()) return;
  if (engine_started_ || plugins_started_) stop(0);
}

void Runtime::note(const config::Node& place, const std::string& message) { place.problem(message); }

std::vector<config::Problem> Runtime::problems() const {
  auto all = document_.problems();
  all.insert(all.end(), found_.begin(), found_.end());
  return all;
}

void Runtime::load(const config::PluginRef& ref, std::string_view wanted) {
  if (ref.id.empty()) return;
  try {
    auto& instance = plugins_->load(ref.id, ref.instance);
    const bool own_name = ref.instance != ref.id && !ref.id.ends_with("." + ref.instance);
    const auto alias = own_name ? " (named '" + ref.instance + "')" : "";
    ref.options.apply(instance.options(), ref.reserved, "plugin '" + ref.id + "'" + alias);
  } catch (const PluginError& error) {
    note(ref.place, std::string(wanted) + ": " + error.what());
  }
}

// The order is the order of setup, of start and, inside a stage, of the interceptors; it is undone backwards.
void Runtime::load_plugins() {
  load(settings_.storage, "storage");
  load(settings_.broker, "broker");
  for (const auto& ref : settings_.domains) load(ref, "domains");
  for (const auto& ref : settings_.plugins) load(ref, "plugins");
  for (const auto& ref : settings_.contracts) load(ref, "contracts");
  if (settings_.internal_enabled) load(settings_.internal_contract, "internal");
  for (const auto& channel : settings_.push.channels) load(channel.plugin, "push");
  std::set<std::string> transports;
  const auto transport = [&](const config::PluginRef& ref) {
    if (!ref.id.empty() && transports.insert(ref.instance).second) load(ref, "listeners");
  };
  for (const auto& listener : settings_.listeners) {
    transport(listener.transport);
    if (listener.websocket) transport(listener.websocket_transport);
  }
  if (settings_.internal_enabled && transports.insert("transport.http").second) {
    config::PluginRef http;
    http.id = http.instance = "transport.http";
    http.place = document_.root();
    load(http, "internal");
  }
}

void Runtime::configure_plugins() {
  std::map<std::string, const config::PluginRef*> refs;
  const auto know = [&](const config::PluginRef& ref) { refs.emplace(ref.instance, &ref); };
  know(settings_.storage);
  know(settings_.broker);
  know(settings_.internal_contract);
  for (const auto* list : {&settings_.domains, &settings_.plugins, &settings_.contracts}) {
    for (const auto& ref : *list) know(ref);
  }
  for (const auto& channel : settings_.push.channels) know(channel.plugin);
  for (const auto& listener : settings_.listeners) {
    know(listener.transport);
    know(listener.websocket_transport);
  }
  for (const auto& problem : plugins_->configure()) {
    const auto it = refs.find(problem.instance->name());
    const auto place = it == refs.end() ? document_.root() : it->second->place;
    const auto& text = problem.error.detail.empty() ? problem.error.reason : problem.error.detail;
    if (it != refs.end() && !problem.error.reason.empty() && it->second->options.present()) {
      it->second->options.option(problem.error.reason).problem(text);
    } else {
      note(place, problem.instance->name() + ": " + text);
    }
  }
}

void Runtime::make_core() {
  CoreOptions options;
  options.auto_create_users = settings_.identity.auto_create;
  options.content_bytes = settings_.limits.content_bytes;
  options.page_bytes = settings_.server.outbox_bytes / 2;
  options.group_members = settings_.limits.group_members;
  options.receipts_max = settings_.receipts_group_max;
  options.queue_entries = settings_.limits.queue_messages;
  options.queue_bytes = settings_.limits.queue_bytes;
  options.dedupe_keep = settings_.dedupe_keep;
  options.receipts_keep = settings_.receipts_keep;
  options.window = settings_.server.window;
  storage_ = &plugins_->as<Storage>(settings_.storage.instance, "a storage");
  auto& broker = plugins_->as<Broker>(settings_.broker.instance, "a broker");
  core_ = std::make_unique<Core>(options, *storage_, broker, *bus_, domains_, clock_, log_system_.logger("messaging"),
                                 *metrics_, *this);
  personal_data_ = std::make_unique<PersonalData>(*core_, *storage_, *bus_, log_system_.logger("messaging"));
  upkeep_ = std::make_unique<Upkeep>(settings_.retention, *core_, *storage_, personal_data_->eraser(), clock_,
                                     log_system_.logger("messaging"), *metrics_);
  commands_.emplace("user.erase", [this](std::string_view arguments) { return personal_data_->erase(arguments); });
  commands_.emplace("user.export",
                    [this](std::string_view arguments) { return personal_data_->export_page(arguments); });
  push_ = std::make_unique<push::Pipeline>(settings_.push, *core_, *storage_, core_->domains(), *bus_, *this, clock_,
                                           log_system_.logger("push"), *metrics_);
  for (auto& [name, run] : push_->commands()) commands_.emplace(name, std::move(run));
}

void Runtime::setup() {
  const auto before = document_.problems();
  try {
    set_up_parts();
  } catch (const std::exception& e) {
    throw ConfigError(e.what());
  }
  std::vector<config::Problem> fresh;
  for (const auto& problem : document_.problems()) {
    const auto same = [&](const auto& old) { return old.path == problem.path && old.message == problem.message; };
    if (std::none_of(before.begin(), before.end(), same)) fresh.push_back(problem);
  }
  if (!fresh.empty()) throw ConfigError(config::format(fresh));
}

/// A listener whose contracts do not speak what its transport carries would take connections and answer none.
void Runtime::check_routes(const Router& router, const config::ListenerSettings& listener) {
  const auto& transport = listener.transport;
  if (transport.id.empty()) return;  // that is found already
  const auto carries = plugins_->as<Transport>(transport.instance, "a transport").carries();
  if (carries == Carries::unknown) return;
  const bool packets = carries == Carries::packets;
  if (packets ? router.takes_packets() : router.takes_http()) return;
  note(listener.contracts.empty() ? listener.place : listener.contracts.front().place,
       "listener '" + listener.name + "': none of its contracts speaks over " + transport.id +
           (packets ? ", which carries packets; name one that takes packets, or give the listener a transport that "
                      "carries HTTP"
                    : ", which carries HTTP; name one that has HTTP routes or a WebSocket, or give the listener a "
                      "transport that carries packets"));
}

void Runtime::set_up_parts() {
  pool_ = std::make_unique<BlockingPool>(settings_.server.blocking_threads, settings_.server.blocking_queue);
  make_core();
  bus_->begin_setup("push", std::numeric_limits<unsigned>::max());  // last of every chain
  push_->register_on(*bus_);
  plugins_->setup([this](PluginInstance& instance) { return std::make_unique<PluginHost>(*this, instance); });
  for (const auto& instance : plugins_->instances()) {
    if (const auto* domain = instance->as<Domain>()) {
      if (auto added = domains_.add(*domain, std::string(instance->id())); !added)
        throw std::runtime_error(added.error().detail);
    }
  }
  set_up_push();
  for (const auto& listener : settings_.listeners) {
    Transport* websocket = nullptr;
    if (listener.websocket && !listener.websocket_transport.id.empty()) {
      websocket = &plugins_->as<Transport>(listener.websocket_transport.instance, "a transport");
    }
    auto router = std::make_unique<Router>(listener.name, *core_, clock_, log_system_.logger("endpoint"), websocket);
    for (const auto& ref : listener.contracts) mount(*router, ref);
    check_routes(*router, listener);
    routers_.push_back(std::move(router));
  }
  if (settings_.internal_enabled) {
    internal_ = std::make_unique<Router>("internal", *core_, clock_, log_system_.logger("endpoint"), nullptr);
    mount(*internal_, {settings_.internal_contract.instance, "", settings_.internal_contract.place});
  }
}

void Runtime::mount(Router& router, const config::MountRef& ref) {
  auto& contract = plugins_->as<Contract>(ref.contract, "a contract");
  if (auto mounted = router.mount(contract, ref.contract, ref.mount); !mounted) {
    note(ref.place, mounted.error().detail);
  }
}

void Runtime::start_storage() {
  plugins_->start();
  plugins_started_ = true;
}

void Runtime::start_store() {
  start_storage();
  if (auto whole = transfer::check_finished(*storage_); !whole) {
    throw std::runtime_error(whole.error().detail.empty() ? "the storage does not answer: " + whole.error().reason
                                                          : whole.error().detail);
  }
  if (auto started = core_->start(); !started) {
    const auto& error = started.error();
    const bool is_corrupt = error.reason == "storage.corrupt";
    throw std::runtime_error((is_corrupt ? "the storage has a row that cannot be, see `loft storage check`: "
                                         : "the storage does not answer: ") +
                             (error.detail.empty() ? error.reason : error.detail));
  }
}

void Runtime::start() {
  trust_keys();
  start_store();
  engine_->at_turn_end([this](unsigned thread) { core_->turn_end(thread); });
  engine_->every(sweep_period, [this](unsigned thread) {
    turned_[thread].store(clock_.steady(), std::memory_order_relaxed);
    core_->sweep(thread);
  });
  listen_everywhere();

  std::vector<Followers::Row> rows;
  for (auto& follower : bus_->followers()) rows.push_back({follower.spec, std::move(follower.consume)});
  followers_ = std::make_unique<Followers>(
      std::move(rows), *storage_, [this] { return core_->stable(); }, log_system_.logger("followers"));
  for (auto& turned : turned_) turned = clock_.steady();
  engine_started_ = true;
  engine_->start();
  if (internal_engine_ != nullptr) internal_engine_->start();
  push_->start();
  followers_->start();
  upkeep_->start();
  phase_ = Phase::serving;
}

void Runtime::listen_everywhere() {
  for (std::size_t i = 0; i < settings_.listeners.size(); ++i) {
    const auto& listener = settings_.listeners[i];
    const net::ListenSpec spec{listener.name, listener.listen.host, listener.listen.port, listener.tls_certificate,
                               listener.tls_key};
    ports_[listener.name] = listen(*engine_, spec, listener.transport.instance, *routers_[i]);
  }
  if (internal_ == nullptr) return;
  const net::ListenSpec spec{"internal", settings_.internal.host, settings_.internal.port, {}, {}};
  ports_["internal"] = listen(*internal_engine_, spec, "transport.http", *internal_);
}

std::uint16_t Runtime::listen(net::Engine& engine, const net::ListenSpec& spec, const std::string& transport,
                              Router& router) {
  const auto port = engine.listen(spec, plugins_->as<Transport>(transport, "a transport"), router);
  if (port) return *port;
  if (port.error().code == Code::invalid) throw ConfigError(port.error().detail);
  throw std::runtime_error(port.error().detail);
}

/// Goodbye is the last word on a connection, so what came in before the stop is answered first. Clients that go on
/// sending get no further answers for it: they hear the goodbye, and ask again elsewhere.
void Runtime::answer_what_came(Millis until) const {
  constexpr auto step = std::chrono::milliseconds(2);
  // Twice in a row: the writer counts a batch as done a moment before it hands the answers back.
  for (int calm = 0; calm < 2 && clock_.steady() < until; std::this_thread::sleep_for(step)) {
    calm = core_->waiting() == 0 ? calm + 1 : 0;
  }
}

bool Runtime::stop(Millis grace) {
  const auto deadline = clock_.steady() + grace;
  phase_ = Phase::stopping;
  bool clean = true;
  if (engine_started_) {
    engine_->stop_accepting();
    answer_what_came(std::min(deadline, clock_.steady() + answer_patience));
    clean = engine_->drain(deadline);
    if (followers_ != nullptr) followers_->stop();
  }
  if (push_ != nullptr) push_->stop(deadline);
  if (upkeep_ != nullptr) upkeep_->stop();
  if (core_ != nullptr) core_->stop();
  if (pool_ != nullptr) pool_->stop();
  if (engine_started_) engine_->stop();
  // Last, so that whoever asks hears to the end that this host is stopping.
  if (engine_started_ && internal_engine_ != nullptr) {
    internal_engine_->drain(clock_.steady() + internal_patience);
    internal_engine_->stop();
  }
  engine_started_ = false;
  if (plugins_started_) plugins_->stop(std::max<Millis>(deadline - clock_.steady(), 1'000));
  plugins_started_ = false;
  return clean && !plugins_->left_behind();
}

std::vector<std::string> Runtime::plugin_path() const { return search_path(settings_); }

}  // namespace loft
