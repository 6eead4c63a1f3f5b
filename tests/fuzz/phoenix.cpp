// Bytes from strangers for the frames and channels of Phoenix: whatever comes in, what goes out is a frame of its
// version, and no more channels are open than there may be.
//
// First byte: odd, version 2; the next bit, pieces are binary where they begin with 0. Pieces end with a line end.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "phoenix.hpp"

namespace {

using namespace loft;
using namespace loft::phoenix;

void demand(bool holds) {
  if (!holds) std::abort();
}

bool is_ref(const json::Value& value) {
  return value.is(json::Type::string) || value.is(json::Type::null) || value.integer();
}

/// Everybody may join `room:…`, unless the payload is a number.
struct Lobby final : Application {
  explicit Lobby(Version version) : socket(version, *this) {}

  Socket socket;

  void send(Bytes frame) override {
    const auto parsed = json::parse(frame, 64);
    demand(parsed.ok());
    std::size_t count = 0;
    if (socket.version() == Version::v2) {
      parsed->elements([&](const json::Value& part) {
        demand(count > 1 || is_ref(part));
        demand(count < 2 || count > 3 || part.is(json::Type::string));
        return ++count < 6;
      });
      demand(count == 5);
    } else {
      parsed->members([&](const json::Value& key, const json::Value& value) {
        demand(key.equals("topic") || key.equals("event") || key.equals("payload") || key.equals("ref"));
        demand(!key.equals("ref") || is_ref(value));
        return ++count < 5;
      });
      demand(count == 4);
    }
  }
  bool routes(Bytes topic) const noexcept override { return topic.starts_with("room:"); }
  void join(const Frame& frame) override {
    if (frame.payload.is(json::Type::number))
      socket.refuse(frame.topic, Address(frame), "{}");
    else
      socket.accept(frame.topic, Address(frame));
  }
  void left(Bytes topic) override { demand(socket.channels().find(topic) == nullptr); }
  void event(const Frame& frame) override {
    demand(socket.channels().find(frame.topic) != nullptr);
    demand(!frame.is_binary);
    socket.reply(frame.topic, Address(frame), true, frame.payload.raw().empty() ? "null" : frame.payload.raw());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  Lobby lobby((data[0] & 1) != 0 ? Version::v2 : Version::v1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto piece = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const bool is_binary = (data[0] & 2) != 0 && piece.starts_with('\0');
    if (is_binary || utf8::valid(piece)) lobby.socket.on_message({piece, !is_binary});
  }
  lobby.socket.fail_all("{}");
  return 0;
}
