// The load driver: logs in many clients, sends, and prints one line of JSON with what it measured.
//   load_client relay  --port P --pid PID --connections 200 --depth 16 --seconds 5
//   load_client relay  … --dialect flix --people FILE --client-ids 1       (dialect.hpp has the file's form)
//   load_client fanout --port P --pid PID --connections 1000 --depth 8 --group ID   (members: load_0 … load_999)
//   load_client idle   --port P --pid PID --connections 10000
//   load_client http   --port P --pid PID --connections 64 --path /api/v1/messages/msg_1
//   load_client http   … --path /api/v1/messages/private --people FILE     (contract message_service: sends)
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "client.hpp"

namespace {

using load::Clock;
using load::Connection;
using load::die;
using load::Kind;

struct Options {
  std::string mode;
  std::uint16_t port = 0;
  std::vector<int> pids;
  std::size_t connections = 200;
  std::size_t senders = static_cast<std::size_t>(-1);  // of relay: the first so many connections send
  std::size_t depth = 1;
  double seconds = 5;
  double warmup = 1;
  std::size_t bytes = 100;
  std::uint64_t client_ids = 0;  // the first one; 0: none
  std::string group, path, user = "load_0", prefix = "load_", dialect = "im", people;
};

Options read_options(int argc, char** argv) {
  Options options;
  if (argc < 2 || argc % 2 != 0)
    die("usage: load_client relay|fanout|idle|http --port P --pid PID …; see docs/core/load.md");
  options.mode = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--port")
      options.port = static_cast<std::uint16_t>(std::strtoul(value, nullptr, 10));
    else if (name == "--pid")
      options.pids.push_back(std::atoi(value));
    else if (name == "--connections")
      options.connections = std::strtoul(value, nullptr, 10);
    else if (name == "--senders")
      options.senders = std::strtoul(value, nullptr, 10);
    else if (name == "--depth")
      options.depth = std::strtoul(value, nullptr, 10);
    else if (name == "--seconds")
      options.seconds = std::strtod(value, nullptr);
    else if (name == "--warmup")
      options.warmup = std::strtod(value, nullptr);
    else if (name == "--bytes")
      options.bytes = std::strtoul(value, nullptr, 10);
    else if (name == "--group")
      options.group = value;
    else if (name == "--path")
      options.path = value;
    else if (name == "--user")
      options.user = value;
    else if (name == "--prefix")
      options.prefix = value;
    else if (name == "--dialect")
      options.dialect = value;
    else if (name == "--people")
      options.people = value;
    else if (name == "--client-ids")
      options.client_ids = std::strtoull(value, nullptr, 10);
    else
      die("unknown option " + name);
  }
  if (options.port == 0 || options.pids.empty()) die("--port and --pid are needed");
  return options;
}

// Counts between the end of the warm-up and the end of the run.
class Measure {
 public:
  Measure(const Options& options) : options_(options), begin_(Clock::now()) {}

  /// False when the time is over. `moved`: bytes in both directions so far.
  bool goes_on(std::uint64_t moved) {
    const auto now = Clock::now();
    const double since = seconds(now - begin_);
    if (!measuring_ && since >= options_.warmup) {
      measuring_ = true;
      from_ = now;
      cpu_ = load::cpu_seconds(options_.pids);
      done_ = delivered_ = 0;
      moved_ = moved;
    }
    if (since < options_.warmup + options_.seconds) return true;
    elapsed_ = seconds(now - from_);
    cpu_ = load::cpu_seconds(options_.pids) - cpu_;
    moved_ = moved - moved_;
    return false;
  }

  void answered(Connection& connection) {
    if (connection.in_flight.empty()) die("an answer that nobody waits for");
    if (measuring_)
      latencies_.push_back(static_cast<float>(seconds(Clock::now() - connection.in_flight.front()) * 1e6));
    connection.in_flight.pop_front();
    ++done_;
  }
  void delivered() { ++delivered_; }

  void print(bool per_delivery) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](double part) {
      return latencies_.empty() ? 0.0 : latencies_[static_cast<std::size_t>(part * (latencies_.size() - 1))];
    };
    const double units = static_cast<double>(per_delivery ? delivered_ : done_);
    if (units == 0) die("nothing was answered");
    std::printf(
        R"({"messages":%zu,"deliveries":%zu,"seconds":%.3f,"per_second":%.0f,"deliveries_per_second":%.0f,"p50_us":%.1f,)"
        R"("p99_us":%.1f,"cpu_us":%.3f,"cpu_share":%.2f,"bytes":%zu})"
        "\n",
        done_, delivered_, elapsed_, static_cast<double>(done_) / elapsed_, static_cast<double>(delivered_) / elapsed_,
        at(0.5), at(0.99), cpu_ * 1e6 / units, cpu_ / elapsed_, static_cast<std::size_t>(moved_));
  }

 private:
  template <class D>
  static double seconds(D duration) {
    return std::chrono::duration<double>(duration).count();
  }

  const Options& options_;
  Clock::time_point begin_, from_;
  bool measuring_ = false;
  double cpu_ = 0, elapsed_ = 0;
  std::size_t done_ = 0, delivered_ = 0;
  std::uint64_t moved_ = 0;
  std::vector<float> latencies_;
};

/// Who the connections are: of the file, or users of those names that contract im makes when it hears of them.
class People {
 public:
  explicit People(const Options& options) : prefix_(options.prefix), group_(options.group) {
    if (!options.people.empty()) known_ = load::read_people(options.people);
  }
  load::Person operator()(std::size_t index) const {
    if (known_.empty()) return {prefix_ + std::to_string(index), {}, {}, {}, group_};
    if (index >= known_.size()) die("--people has too few lines");
    return known_[index];
  }

 private:
  std::string prefix_, group_;
  std::vector<load::Person> known_;
};

void relay(const Options& options) {
  Measure* measure = nullptr;
  const auto dialect = load::make_dialect(options.dialect);
  const People people(options);
  std::vector<load::Person> who;
  for (std::size_t i = 0; i < options.connections + options.connections % 2; ++i) who.push_back(people(i));
  std::uint64_t number = options.client_ids;
  std::vector<std::string> frames;  // without client ids they are all the same
  for (std::size_t i = 0; i < options.connections && options.client_ids == 0; ++i) {
    frames.push_back(dialect->message(who[i], who[i ^ 1], options.bytes, 0));
  }
  load::Loop* running = nullptr;
  load::Handler handler;
  const auto send = [&](Connection& connection) {
    const auto i = connection.index;
    connection.in_flight.push_back(Clock::now());
    if (!frames.empty()) return running->send(connection, frames[i]);
    running->send(connection, dialect->message(who[i], who[i ^ 1], options.bytes, ++number));
  };
  handler.on_message = [&](Connection& connection, std::string_view frame) {
    if (dialect->kind(frame) == Kind::push) return measure->delivered();
    measure->answered(connection);
    send(connection);
  };
  load::Loop loop(options.port, handler, dialect.get());
  running = &loop;
  loop.open(options.connections, people);
  Measure counting(options);
  measure = &counting;
  for (auto& connection : loop.connections()) {
    if (connection->index >= options.senders) break;
    for (std::size_t i = 0; i < options.depth; ++i) send(*connection);
  }
  while (counting.goes_on(loop.moved())) loop.turn(100);
  counting.print(false);
}

void fanout(const Options& options) {
  Measure* measure = nullptr;
  std::size_t published = 0, answered = 0, delivered = 0;
  load::Handler handler;
  const auto dialect = load::make_dialect("im_group");
  const People people(options);
  handler.on_message = [&](Connection& connection, std::string_view frame) {
    if (dialect->kind(frame) == Kind::push) {
      ++delivered;
      return measure->delivered();
    }
    ++answered;
    measure->answered(connection);
  };
  load::Loop loop(options.port, handler, dialect.get());
  loop.open(options.connections + 1, people);
  Measure counting(options);
  measure = &counting;
  const std::string frame = dialect->message(people(0), people(0), options.bytes, 0);
  Connection& publisher = *loop.connections().front();
  while (counting.goes_on(loop.moved())) {
    // In flight until answered and heard by all.
    while (published < std::min(answered, delivered / options.connections) + options.depth) {
      publisher.in_flight.push_back(Clock::now());
      loop.send(publisher, frame);
      ++published;
    }
    loop.turn(100);
  }
  counting.print(true);
}

void idle(const Options& options) {
  load::Handler handler;
  handler.on_message = [](Connection&, std::string_view) {};
  const auto dialect = load::make_dialect("im");
  const People people(options);
  load::Loop loop(options.port, handler, dialect.get());
  loop.open(200, people);  // what the first ones cost once for all is not the price of a connection
  const auto before = load::resident(options.pids.front());
  loop.open(options.connections, people);
  const auto after = load::resident(options.pids.front());
  std::printf(R"({"connections":%zu,"bytes_per_connection":%.0f,"resident_before":%zu,"resident":%zu})"
              "\n",
              options.connections,
              (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(options.connections),
              static_cast<std::size_t>(before), static_cast<std::size_t>(after));
}

void http(const Options& options) {
  Measure* measure = nullptr;
  load::Loop* running = nullptr;
  const std::string get =
      "GET " + options.path + " HTTP/1.1\r\nHost: localhost\r\nX-User-ID: " + options.user + "\r\n\r\n";
  std::uint64_t number = 0;
  const People people(options);
  const auto request = [&](std::size_t index) {
    if (options.people.empty()) return get;
    const auto body = R"({"receiverId":)" + people(index ^ 1).uid + R"(,"messageType":"TEXT","content":")" +
                      std::string(options.bytes, 'x') + R"(","clientMsgId":"c)" + std::to_string(++number) + R"("})";
    return "POST " + options.path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + people(index).token +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  const auto send = [&](Connection& connection) {
    connection.in_flight.push_back(Clock::now());
    running->send_bytes(connection, request(connection.index));
  };
  load::Handler handler;
  handler.on_bytes = [&](Connection& connection, std::string& in) -> std::size_t {
    std::size_t used = 0;
    while (true) {
      const std::size_t end = in.find("\r\n\r\n", used);
      if (end == std::string::npos) return used;
      if (in.compare(used, 12, "HTTP/1.1 200") != 0) die("not answered with 200: " + in.substr(used, 300));
      std::size_t length = in.find("ontent-", used);
      while (length != std::string::npos && length < end && in.compare(length + 7, 7, "ength: ") != 0 &&
             in.compare(length + 7, 7, "Length:") != 0) {
        length = in.find("ontent-", length + 1);
      }
      const std::size_t digits = length + sizeof "ontent-Length:" - 1;
      if (length == std::string::npos || length > end) die("an answer without Content-Length");
      const std::size_t whole = end + 4 + std::strtoul(in.c_str() + digits, nullptr, 10);
      if (in.size() < whole) return used;
      used = whole;
      measure->answered(connection);
      send(connection);
    }
  };
  load::Loop loop(options.port, handler, nullptr);
  running = &loop;
  Measure counting(options);
  measure = &counting;
  loop.open(options.connections, people);
  for (auto& connection : loop.connections()) {
    for (std::size_t i = 0; i < options.depth; ++i) send(*connection);
  }
  while (counting.goes_on(loop.moved())) loop.turn(100);
  counting.print(false);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (options.mode == "relay")
    relay(options);
  else if (options.mode == "fanout")
    fanout(options);
  else if (options.mode == "idle")
    idle(options);
  else if (options.mode == "http")
    http(options);
  else
    die("unknown mode '" + options.mode + "'");
}
