// A push channel that writes down what it is handed, and answers as the beginning of the token says:
//   ok…      accepted                 dead…   dead_token        refuse…  refused
//   retry…   retry, every time        once…   retry the first time that this process sees the token
//   broken…  broken                   hang…   never, until the host stops
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <loft/abi.hpp>
#include <loft/json.hpp>
#include <loft/push.hpp>

namespace {

using namespace loft;

class FakePush final : public Push {
 public:
  void options(OptionTable& table) override {
    table.text("file", file_, "Where the lines go, one JSON object each; appended.").required();
    table.text("word", word_, "The channel's word.");
    table.text("key", key_, "What `loft check --online push` asks: `good` or not.").secret();
    table.integer("window", window_, "Under way at once.").range(1, 10'000);
  }
  std::string_view channel() const noexcept override { return word_; }
  std::size_t window() const noexcept override { return window_; }
  Millis longest() const noexcept override { return 500; }
  Result<void> verify() override {
    if (key_ == "good") return {};
    return Error{Code::unauthenticated, "InvalidProviderToken", "the provider does not take the key"};
  }

  void start() override {
    out_.reset(std::fopen(file_.c_str(), "a"));
    if (!out_) throw std::runtime_error("cannot write " + file_);
  }
  void stop(Millis) noexcept override {
    for (auto& done : std::exchange(hanging_, {})) done({PushVerdict::Kind::retry, "push.stopped", 0, 0});
  }

  void send(const Notification& notification, Function<void(PushVerdict)> done) override {
    using Kind = PushVerdict::Kind;
    const auto& token = notification.device.token;
    write(notification);
    const auto says = [&](const char* word) { return token.starts_with(word); };
    if (says("hang")) return hanging_.push_back(std::move(done));
    if (says("dead")) return done({Kind::dead_token, "Unregistered", 0, 0});
    if (says("refuse")) return done({Kind::refused, "PayloadTooLarge", 0, 0});
    if (says("broken")) return done({Kind::broken, "InvalidProviderToken", 0, 0});
    if (says("retry") || (says("once") && seen_.insert(token).second))
      return done({Kind::retry, "ServiceUnavailable", 0, 0});
    done({});
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  void write(const Notification& notification) {
    std::string line;
    json::Writer w(line);
    w.object().key("message").number(raw(notification.message)).key("user").number(raw(notification.user));
    w.key("token").string(notification.device.token).key("id").string(notification.id);
    w.key("title").string(notification.title).key("body").string(notification.body);
    w.key("badge").number(notification.badge).key("collapse").string(notification.collapse_key).end_object();
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), out_.get());
    std::fflush(out_.get());
  }

  std::string file_, key_;
  std::string word_ = "fake";
  std::size_t window_ = 50;
  std::unique_ptr<std::FILE, Close> out_;
  std::set<std::string> seen_;
  std::vector<Function<void(PushVerdict)>> hanging_;
};

}  // namespace

LOFT_PLUGIN(FakePush, "push.fake", "0.1.0", "A push channel for tests")
