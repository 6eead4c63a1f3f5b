#include "dialect.hpp"

#include <fstream>
#include <sstream>

#include "client.hpp"

namespace load {
namespace {

[[noreturn]] void unexpected(std::string_view frame) { die("unexpected: " + std::string(frame.substr(0, 300))); }

class Im final : public Dialect {
 public:
  explicit Im(bool to_group) : to_group_(to_group) {}

  std::string_view path() const override { return "/ws"; }
  std::string login(const Person& person) const override {
    return R"({"type":"login","data":{"user_id":")" + person.handle +
           R"(","token":"t","platform":"load"},"timestamp":1})";
  }
  bool logged_in(std::string_view frame) const override {
    return frame.starts_with(R"({"type":"login","data":{"success":true)");
  }
  std::string message(const Person&, const Person& to, std::size_t bytes, std::uint64_t number) const override {
    auto frame = std::string(R"({"type":"send_message","data":{")") + (to_group_ ? "group_id" : "receiver_id") +
                 R"(":")" + (to_group_ ? to.group : to.handle) + R"(","type":"text","content":")" +
                 std::string(bytes, 'x') + R"("},"timestamp":1640995200000)";
    if (number != 0) frame += R"(,"message_id":"c)" + std::to_string(number) + '"';
    return frame + '}';
  }
  // The first letter of the type: send_message, or new_… .
  Kind kind(std::string_view frame) const override {
    constexpr std::string_view begin = R"({"type":")";
    if (frame.starts_with(begin) && frame.size() > begin.size()) {
      if (frame[begin.size()] == 's') return Kind::answer;
      if (frame[begin.size()] == 'n') return Kind::push;
    }
    unexpected(frame);
  }

 private:
  bool to_group_;
};

class Netherlink final : public Dialect {
 public:
  std::string_view path() const override { return "/ws"; }
  std::string login(const Person& person) const override {
    return R"({"type":"login","payload":{"uid":")" + person.handle + R"(","token":")" + person.token + R"("}})";
  }
  bool logged_in(std::string_view frame) const override { return frame == R"({"type":"login_success"})"; }
  std::string message(const Person&, const Person& to, std::size_t bytes, std::uint64_t number) const override {
    auto frame = R"({"type":"chat","payload":{"to":")" + to.handle + R"(","type":"text","extra":"{}","content":")" +
                 std::string(bytes, 'x') + R"(","is_group":false)";
    if (number != 0) frame += R"(,"client_msg_id":"c)" + std::to_string(number) + '"';
    return frame + "}}";
  }
  Kind kind(std::string_view frame) const override {
    if (frame.starts_with(R"({"type":"chat")")) return Kind::push;
    if (frame.starts_with(R"({"type":"chat_response")")) return Kind::answer;
    unexpected(frame);
  }
};

class Flix final : public Dialect {
 public:
  std::string_view path() const override { return "/socket/websocket?vsn=2.0.0"; }
  std::string login(const Person& person) const override {
    return R"(["1","1","user:)" + person.uuid + R"(","phx_join",{"token":")" + person.token + R"("}])";
  }
  bool logged_in(std::string_view frame) const override {
    return frame.find(R"("phx_reply",{"status":"ok")") != std::string_view::npos;
  }
  std::string message(const Person& from, const Person& to, std::size_t bytes, std::uint64_t number) const override {
    const auto& low = from.uuid < to.uuid ? from.uuid : to.uuid;
    const auto& high = from.uuid < to.uuid ? to.uuid : from.uuid;
    return R"(["1","2","user:)" + from.uuid + R"(","send_message",{"client_message_id":"f)" + std::to_string(number) +
           R"(","conversation_id":"private:)" + low + ':' + high + R"(","content":{"text":")" +
           std::string(bytes, 'x') +
           R"("},"message_type":"private_message","content_type":"text","client_timestamp":"2025-04-10T10:30:00.000Z"}])";
  }
  Kind kind(std::string_view frame) const override {
    if (frame.starts_with(R"([null,null,)")) return Kind::push;
    if (frame.find(R"("phx_reply",{"status":"ok")") != std::string_view::npos) return Kind::answer;
    unexpected(frame);
  }
};

class Carrypigeon final : public Dialect {
 public:
  std::string_view path() const override { return {}; }
  std::string login(const Person& person) const override {
    return R"({"id":1,"route":"/core/user/login/token","data":{"token":")" + person.token + R"("}})";
  }
  bool logged_in(std::string_view frame) const override { return frame.starts_with(R"({"id":1,"code":200)"); }
  std::string message(const Person&, const Person& to, std::size_t bytes, std::uint64_t) const override {
    return R"({"id":2,"route":"/core/channel/message/create","data":{"cid":)" + to.group +
           R"(,"domain":"Core:Text","data":{"text":")" + std::string(bytes, 'x') + R"("}}})";
  }
  Kind kind(std::string_view frame) const override {
    if (frame.starts_with(R"({"id":-1,)")) return Kind::push;
    if (frame.starts_with(R"({"id":2,"code":200)")) return Kind::answer;
    unexpected(frame);
  }
};

}  // namespace

std::vector<Person> read_people(const std::string& path) {
  std::ifstream file(path);
  if (!file) die("cannot read " + path);
  std::vector<Person> people;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    auto& person = people.emplace_back();
    for (auto* word : {&person.handle, &person.uid, &person.uuid, &person.token, &person.group}) {
      if (!std::getline(words, *word, '\t')) die("a line of " + path + " has too few words: " + line);
    }
  }
  return people;
}

std::unique_ptr<Dialect> make_dialect(const std::string& name) {
  if (name == "im" || name == "im_group") return std::make_unique<Im>(name == "im_group");
  if (name == "netherlink") return std::make_unique<Netherlink>();
  if (name == "flix") return std::make_unique<Flix>();
  if (name == "carrypigeon") return std::make_unique<Carrypigeon>();
  die("no dialect is called '" + name + "'");
}

}  // namespace load
