#include "phoenix.hpp"

#include <algorithm>
#include <array>

#include <loft/contract_tools.hpp>
#include <loft/utf8.hpp>

namespace loft::phoenix {
namespace {

constexpr std::size_t max_ref = 255;

Error bad(std::string what) { return {Code::invalid, "phoenix.frame", std::move(what)}; }

Result<void> take_ref(const json::Value& value, std::string_view name, Bytes& out) {
  const bool fits = value.is(json::Type::string) || value.is(json::Type::null) || value.integer().has_value();
  if (!fits || value.raw().size() > max_ref) return bad(std::string(name) + " must be a short string or null");
  if (!value.raw().empty()) out = value.raw();
  return {};
}

Result<void> take_text(const json::Value& value, std::string_view name, Bytes& out, std::string& spare) {
  if (!value.is(json::Type::string)) return bad(std::string(name) + " must be a string");
  if (const auto plain = value.plain_text()) {
    out = *plain;
  } else {
    spare = *value.text();
    out = spare;
  }
  return {};
}

bool has_key(const json::Value& object, std::string_view name) {
  bool found = false;
  object.members([&](const json::Value& key, const json::Value&) { return !(found = key.equals(name)); });
  return found;
}

void append_topic(std::string& out, Bytes topic) { json::append_string(out, topic); }

}  // namespace

std::optional<Version> version_of(std::string_view vsn) noexcept {
  if (vsn.empty()) return Version::v1;
  const auto number = vsn.substr(std::min<std::size_t>(vsn.size(), 4));
  const bool digits = !number.empty() && number.size() <= 9 &&
                      number.find_first_not_of("0123456789") == std::string_view::npos &&
                      (number.size() == 1 || number.front() != '0');
  if (!digits) return std::nullopt;
  if (vsn.starts_with("1.0.")) return Version::v1;
  if (vsn.starts_with("2.0.")) return Version::v2;
  return std::nullopt;
}

// 0, four lengths of one byte, join_ref, ref, topic, event, data.
Result<void> decode_binary(Bytes data, Frame& out) {
  constexpr std::size_t head = 5;
  if (data.size() < head || data[0] != 0) return bad("a binary frame must be a push");
  std::size_t at = head;
  std::array<Bytes, 4> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto length = static_cast<unsigned char>(data[i + 1]);
    if (data.size() - at < length) return bad("a binary frame is shorter than it says");
    parts[i] = data.substr(at, length);
    if (!utf8::valid(parts[i])) return bad("a binary frame's refs, topic and event must be UTF-8");
    at += length;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    if (!parts[i].empty()) json::append_string(out.spare_[i], parts[i]);
  }
  if (!parts[0].empty()) out.join_ref = out.spare_[0];
  if (!parts[1].empty()) out.ref = out.spare_[1];
  out.topic = parts[2];
  out.event = parts[3];
  out.is_binary = true;
  return {};
}

Result<void> decode(MessageView message, Version version, Frame& out) {
  if (!message.is_text) {
    return version == Version::v2 ? decode_binary(message.data, out) : bad("binary frames need vsn=2.0.0");
  }
  const auto parsed = json::parse(message.data);
  if (!parsed) return bad(parsed.error().detail);
  std::array<json::Value, 5> parts;  // in the order of version 2
  if (version == Version::v2) {
    std::size_t count = 0;
    parsed->elements([&](const json::Value& element) {
      parts[count] = element;
      return ++count < parts.size();
    });
    if (count < parts.size()) return bad("a frame must be [join_ref, ref, topic, event, payload]");
  } else {
    parts = pick<5>(*parsed, {"join_ref", "ref", "topic", "event", "payload"});
    if (parts[4].raw().empty() || (parts[1].raw().empty() && !has_key(*parsed, "ref"))) {
      return bad("a frame must be an object with topic, event, payload and ref");
    }
  }
  if (auto taken = take_ref(parts[0], "join_ref", out.join_ref); !taken) return taken;
  if (auto taken = take_ref(parts[1], "ref", out.ref); !taken) return taken;
  if (auto taken = take_text(parts[2], "topic", out.topic, out.spare_[2]); !taken) return taken;
  if (auto taken = take_text(parts[3], "event", out.event, out.spare_[3]); !taken) return taken;
  out.payload = parts[4];
  return {};
}

void begin_reply(std::string& out, Version version, const Address& to, Bytes topic, bool ok) {
  if (version == Version::v2) {
    out += '[';
    out += to.join_ref();
    out += ',';
    out += to.ref();
    out += ',';
    append_topic(out, topic);
    out += ",\"phx_reply\",";
  } else {
    out += "{\"topic\":";
    append_topic(out, topic);
    out += ",\"event\":\"phx_reply\",\"payload\":";
  }
  out += ok ? "{\"status\":\"ok\",\"response\":" : "{\"status\":\"error\",\"response\":";
}

void end_reply(std::string& out, Version version, const Address& to) {
  if (version == Version::v2) {
    out += "}]";
    return;
  }
  out += "},\"ref\":";
  out += to.ref();
  out += '}';
}

void append_lifecycle(std::string& out, Version version, Bytes join_ref, Bytes topic, std::string_view event,
                      Bytes payload) {
  const bool is_v2 = version == Version::v2;
  if (is_v2) {
    out += '[';
    out += join_ref;
    out += ',';
    out += join_ref;
    out += ',';
  } else {
    out += "{\"topic\":";
  }
  append_topic(out, topic);
  out += is_v2 ? "," : ",\"event\":";
  json::append_string(out, event);
  out += is_v2 ? "," : ",\"payload\":";
  out += payload;
  if (!is_v2) out.append(",\"ref\":").append(join_ref);
  out += is_v2 ? ']' : '}';
}

const Channels::Channel* Channels::find(Bytes topic) const noexcept {
  const auto found = std::ranges::find(all_, topic, &Channel::topic);
  return found == all_.end() ? nullptr : &*found;
}

void Channels::put(Bytes topic, Bytes join_ref) {
  remove(topic);
  all_.push_back({std::string(topic), std::string(join_ref)});
}

void Channels::remove(Bytes topic) {
  std::erase_if(all_, [&](const Channel& channel) { return channel.topic == topic; });
}

void Socket::on_message(MessageView message) {
  Frame frame;
  if (auto decoded = decode(message, version_, frame); !decoded) {
    auto& out = scratch();
    const Address nowhere;
    begin_reply(out, version_, nowhere, "phoenix", false);
    out += "{\"reason\":";
    json::append_string(out, "malformed frame: " + decoded.error().detail);
    out += '}';
    end_reply(out, version_, nowhere);
    return application_.send(out);
  }
  if (frame.event == "phx_join") return join(frame);
  if (frame.event == "phx_leave") return leave(frame);
  if (frame.topic == "phoenix" && frame.event == "heartbeat") return reply(frame.topic, Address(frame), true, "{}");
  const auto* channel = channels_.find(frame.topic);
  if (channel == nullptr) return reply(frame.topic, Address(frame), false, "{\"reason\":\"unmatched topic\"}");
  if (frame.join_ref != "null" && frame.join_ref != channel->join_ref) return;  // of an earlier join
  if (frame.is_binary) {
    return reply(frame.topic, Address(frame), false, "{\"reason\":\"binary payloads are not supported\"}");
  }
  application_.event(frame);
}

void Socket::join(const Frame& frame) {
  const auto refuse = [&](Bytes response) { reply(frame.topic, Address(frame), false, response); };
  if (!application_.routes(frame.topic)) return refuse("{\"reason\":\"unmatched topic\"}");
  if (frame.is_binary) return refuse("{\"reason\":\"binary payloads are not supported\"}");
  application_.join(frame);
}

void Socket::leave(const Frame& frame) {
  const auto* channel = channels_.find(frame.topic);
  if (channel == nullptr) return reply(frame.topic, Address(frame), true, "{}");
  if (frame.join_ref != "null" && frame.join_ref != channel->join_ref) return;
  const auto left = *channel;
  channels_.remove(left.topic);
  reply(left.topic, Address(frame), true, "{}");
  close(left.topic, left.join_ref);
  application_.left(left.topic);
}

void Socket::close(const std::string& topic, const std::string& join_ref) {
  auto& out = scratch();
  append_lifecycle(out, version_, join_ref, topic, "phx_close", "{}");
  application_.send(out);
}

void Socket::accept(Bytes topic, const Address& join) {
  const auto* before = channels_.find(topic);
  const auto old = before != nullptr ? before->join_ref : std::string();
  // A client that sends no join_ref is told of the channel by the ref it joined with.
  channels_.put(topic, join.join_ref() == "null" ? join.ref() : join.join_ref());
  reply(topic, join, true, "{}");
  if (!old.empty()) close(std::string(topic), old);
}

void Socket::refuse(Bytes topic, const Address& join, Bytes response) {
  reply(topic, join, false, response);
  const auto* before = channels_.find(topic);
  if (before == nullptr) return;
  const auto old = *before;
  channels_.remove(old.topic);
  close(old.topic, old.join_ref);
  application_.left(old.topic);
}

void Socket::reply(Bytes topic, const Address& to, bool ok, Bytes response) {
  auto& out = scratch();
  begin_reply(out, version_, to, topic, ok);
  out += response;
  end_reply(out, version_, to);
  application_.send(out);
}

void Socket::fail_all(Bytes payload) {
  for (const auto& channel : channels_.all()) {
    auto& out = scratch();
    append_lifecycle(out, version_, channel.join_ref, channel.topic, "phx_error", payload);
    application_.send(out);
  }
  channels_.clear();
}

}  // namespace loft::phoenix
