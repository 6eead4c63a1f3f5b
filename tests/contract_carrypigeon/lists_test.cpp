#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

constexpr std::size_t frame = 65535;

std::string list_request(std::string_view data) {
  return R"({"id":1,"route":"/core/channel/message/list","data":)" + std::string(data) + "}";
}

/// `count` of a reply, checked against the number of elements it carries.
std::int64_t counted(const std::string& reply, std::string_view name) {
  const auto packet = json::parse(reply);
  REQUIRE(packet);
  const auto data = packet->find("data");
  REQUIRE(data);
  std::int64_t elements = 0;
  data->find(name)->elements([&](const json::Value&) { return ++elements, true; });
  CHECK(data->find("count")->integer() == elements);
  return elements;
}

/// The smallest id of so many milliseconds after noon.
std::uint64_t later(std::uint64_t milliseconds) { return noon_id + (milliseconds << 12); }

std::string text_of(std::size_t size) { return R"({"text":")" + std::string(size, 'x') + "\"}"; }

}  // namespace

TEST_CASE("a list is returned newest first with its count") {
  Dialogue d;
  d.say(list_request(R"({"cid":12345,"start_time":0,"count":50})"));
  REQUIRE(d.messaging().histories.calls.size() == 1);
  Page page;
  page.messages = {message(noon_id + 2, R"({"text":"b"})"), message(noon_id, R"({"f":[1,2]})", "Math:Formula")};
  d.messaging().histories.answer(std::move(page));
  CHECK(
      d.heard() ==
      R"({"id":1,"code":200,"data":{"count":2,"messages":[)"
      R"({"mid":114730598400002,"domain":"Core:Text","uid":8,"cid":5,"data":{"text":"b"},"send_time":1763700000000},)"
      R"({"mid":114730598400000,"domain":"Math:Formula","uid":8,"cid":5,"data":{"f":[1,2]},"send_time":1763700000000}]}})");
}

TEST_CASE("a list asks for what stands, from its time backwards, and from now where the time is 0 or less") {
  Dialogue d;
  d.say(list_request(R"({"cid":12345,"start_time":1763700000000,"count":50})"));
  d.say(list_request(R"({"cid":"12345","startTime":"1763700000000","count":"1"})"));
  d.say(list_request(R"({"cid":12345,"start_time":0,"count":1})"));
  d.say(list_request(R"({"cid":12345,"start_time":-1,"count":1})"));
  REQUIRE(d.messaging().histories.calls.size() == 4);
  const HistoryQuery& first = d.messaging().histories.calls[0].request;
  CHECK(first.in.number == 12345);
  CHECK(first.until == noon);
  CHECK(first.before == MessageId::none);
  CHECK(first.limit == 51);  // the one behind tells where a page may end
  CHECK_FALSE(first.with_recalled);
  CHECK(d.messaging().histories.calls[1].request.until == noon);
  CHECK(d.messaging().histories.calls[1].request.limit == 2);
  CHECK(d.messaging().histories.calls[2].request.until == 0);
  CHECK(d.messaging().histories.calls[3].request.until == 0);
}

TEST_CASE("an empty list is a list") {
  Dialogue d;
  d.say(list_request(R"({"cid":12345,"start_time":1,"count":50})"));
  REQUIRE(d.messaging().histories.calls.size() == 1);
  d.messaging().histories.answer(Page{});
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"count":0,"messages":[]}})");
}

TEST_CASE("a list of wrong bounds is refused") {
  Dialogue d;
  CHECK(d.ask(list_request(R"({"cid":5,"start_time":0,"count":0})")) == out_of_range);
  CHECK(d.ask(list_request(R"({"cid":5,"start_time":0,"count":51})")) == out_of_range);
  CHECK(d.ask(list_request(R"({"cid":5,"start_time":0,"count":-1})")) == out_of_range);
  CHECK(d.ask(list_request(R"({"cid":0,"start_time":0,"count":1})")) == out_of_range);
  CHECK(d.ask(list_request(R"({"cid":5,"start_time":0})")) == malformed);
  CHECK(d.ask(list_request(R"({"cid":5,"start_time":"noon","count":1})")) == malformed);
  CHECK(d.ask(list_request(R"({"start_time":0,"count":1})")) == malformed);
  CHECK(d.calls() == 0);
}

TEST_CASE("who is not in the channel sees no list") {
  Dialogue d;
  d.say(list_request(R"({"cid":5,"start_time":0,"count":1})"));
  REQUIRE(d.messaging().histories.calls.size() == 1);
  d.messaging().histories.answer(Error{Code::forbidden, "member.none", ""});
  CHECK(d.heard() == R"({"id":1,"code":300,"data":{"msg":"you are not in this channel"}})");
}

TEST_CASE("a list is cut at its old end so that it fits a frame, and count is what is returned") {
  Dialogue d;
  for (const std::size_t size : {1200u, 1300u, 2000u, 5000u, 30000u, 64000u}) {
    INFO(size);
    d.say(list_request(R"({"cid":5,"start_time":0,"count":50})"));
    Page page;
    for (std::uint64_t i = 0; i < 50; ++i) page.messages.push_back(message(later(50 - i), text_of(size)));
    d.messaging().histories.answer(std::move(page));
    const std::string reply = d.heard();
    CHECK(reply.size() <= frame);
    const auto count = counted(reply, "messages");
    const std::size_t each = size + 115;
    CHECK(count >= 1);
    CHECK(static_cast<std::size_t>(count) >= std::min<std::size_t>(50, (frame - 300) / each));
    CHECK(reply.find("\"whole\"") == std::string::npos);
    CHECK(reply.find("\"mid\":" + std::to_string(later(50)) + ",") != std::string::npos);
  }
}

TEST_CASE("a message too big for any frame is shown in short instead of hiding those behind it") {
  Dialogue d;
  const std::string big = text_of(65500);
  d.say(list_request(R"({"cid":5,"start_time":0,"count":50})"));
  REQUIRE(d.messaging().histories.calls.size() == 1);
  Page page;
  page.messages = {message(noon_id + 1, big, "Core:File"), message(noon_id, R"({"text":"a"})")};
  d.messaging().histories.answer(std::move(page));
  CHECK(
      d.heard() ==
      R"({"id":1,"code":200,"data":{"count":2,"messages":[)"
      R"({"mid":114730598400001,"domain":"Core:Text","uid":8,"cid":5,"data":{"text":")" +
          std::string(500, 'x') + R"("},"send_time":1763700000000,"whole":false},)" +
          R"({"mid":114730598400000,"domain":"Core:Text","uid":8,"cid":5,"data":{"text":"a"},"send_time":1763700000000}]}})");

  d.say(R"({"id":2,"route":"/core/channel/message/get","data":{"mid":7}})");
  REQUIRE(d.messaging().messages.calls.size() == 1);
  d.messaging().messages.answer(message(noon_id, big));
  const auto reply = d.heard();
  CHECK(reply.size() < 1000);
  CHECK(reply.find(R"("whole":false)") != std::string::npos);
}

TEST_CASE("a message that just fits is returned whole, and the next longer one in short") {
  constexpr std::size_t packet = 65487;
  for (const std::size_t size : {65000u, 65300u, 65360u, 65400u}) {
    for (std::size_t text = size; text < size + 40; ++text) {
      Dialogue d;
      d.messaging().messages.rule = [&](const auto&) { return message(noon_id, text_of(text)); };
      const auto reply = d.ask(R"({"id":2,"route":"/core/channel/message/get","data":{"mid":7}})");
      REQUIRE(reply.size() <= packet);
      // {"id":2,"code":200,"data":…} and what surrounds the content of one message
      const bool fits = text + 11 + 28 + 91 <= packet;
      REQUIRE((reply.find("\"whole\"") == std::string::npos) == fits);
    }
  }
}

TEST_CASE("a message that the caller has hidden is not found, as one that was deleted") {
  Dialogue d;
  for (const bool is_hidden : {false, true}) {
    auto record = message(noon_id, R"({"text":"a"})");
    record.hidden = is_hidden;
    d.say(R"({"id":2,"route":"/core/channel/message/get","data":{"mid":7}})");
    d.messaging().messages.answer(std::move(record));
    const auto reply = d.heard();
    CHECK((reply == R"({"id":2,"code":100,"data":{"msg":"message not found"}})") == is_hidden);
  }
}

TEST_CASE("channel and member lists fit a frame as well") {
  Dialogue d;
  d.say(R"({"id":1,"route":"/core/channel/list"})");
  std::vector<ConversationRecord> channels;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    auto conversation = group(noon_id + i, std::string(4000, '\x01'));
    conversation.description.assign(100000, 'x');
    channels.push_back(record(std::move(conversation)));
  }
  d.messaging().lists.answer(std::move(channels));
  std::string reply = d.heard();
  CHECK(reply.size() <= frame);
  CHECK(counted(reply, "channels") >= 15);

  d.say(R"({"id":1,"route":"/core/channel/member/list","data":{"cid":5}})");
  std::vector<MemberRecord> members;
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    Member member;
    member.user = static_cast<UserId>(i);
    member.joined = noon_id;
    members.push_back({member, user(i, std::string(50, 'h'))});
  }
  d.messaging().rosters.answer(std::move(members));
  reply = d.heard();
  CHECK(reply.size() <= frame);
  CHECK(counted(reply, "members") >= 500);
}
