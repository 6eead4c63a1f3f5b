// Clients that page through a channel as the contract says see all of it, whatever the messages' size and times.
#include <algorithm>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

constexpr std::size_t longest_packet = 65487;

struct Row {
  std::uint64_t mid = 0;
  Millis time = 0;
  bool whole = true;
};

/// A channel's log, newest first, answered as the host does.
struct Log {
  std::vector<MessageRecord> messages;
  std::size_t page_bytes = 512 << 10;

  void add(std::uint64_t mid, std::size_t size) {
    messages.insert(messages.begin(), message(mid, R"({"text":")" + std::string(size, 'x') + "\"}"));
  }

  Page answer(const HistoryQuery& query) const {
    Page page;
    std::size_t bytes = 0;
    for (const auto& record : messages) {
      const Message& one = *record.message;
      if (query.before != MessageId::none && one.id >= query.before) continue;
      if (query.until != 0 && one.time() > query.until) continue;
      bytes += one.content.size();
      page.more = page.messages.size() == query.limit || (bytes > page_bytes && !page.messages.empty());
      if (page.more) break;
      page.messages.push_back(record);
    }
    return page;
  }
};

struct Reader {
  Dialogue d;

  explicit Reader(const Log& log) {
    d.messaging().histories.rule = [&log](const auto& call) { return log.answer(call.request); };
  }

  std::vector<Row> list(Millis start, std::size_t count) {
    const auto reply = d.ask(R"({"id":1,"route":"/core/channel/message/list","data":{"cid":5,"start_time":)" +
                             std::to_string(start) + R"(,"count":)" + std::to_string(count) + "}}");
    REQUIRE(reply.size() <= longest_packet);
    const auto packet = json::parse(reply);
    REQUIRE(packet);
    std::vector<Row> rows;
    packet->find("data")->find("messages")->elements([&](const json::Value& one) {
      rows.push_back({static_cast<std::uint64_t>(*one.find("mid")->integer()), *one.find("send_time")->integer(),
                      !one.find("whole")});
      return true;
    });
    REQUIRE(packet->find("data")->find("count")->integer() == static_cast<std::int64_t>(rows.size()));
    REQUIRE(std::ranges::is_sorted(rows, std::ranges::greater(), &Row::mid));
    return rows;
  }

  /// All that is seen by who goes on with the last element's time, or with the moment before it, until nothing new
  /// comes.
  std::set<std::uint64_t> seen_by_paging(std::size_t count, bool same_time, std::size_t* whole = nullptr) {
    std::set<std::uint64_t> seen, in_full;
    Millis start = 0;
    for (;;) {
      const auto rows = list(start, count);
      const auto before = seen.size();
      for (const auto& row : rows) {
        seen.insert(row.mid);
        if (row.whole) in_full.insert(row.mid);
      }
      if (seen.size() == before) break;
      start = rows.back().time - (same_time ? 0 : 1);
    }
    if (whole != nullptr) *whole = in_full.size();
    return seen;
  }
};

std::uint64_t at(std::uint64_t millisecond, std::uint64_t counter = 0) {
  return noon_id + (millisecond << 12) + counter;
}

}  // namespace

TEST_CASE("who pages through messages of which no two fit one frame sees each of them whole") {
  Log log;
  for (std::uint64_t i = 1; i <= 6; ++i) log.add(at(i * 1000), 60000);
  for (const bool same_time : {true, false}) {
    for (const std::size_t count : {2u, 3u, 50u}) {
      Reader reader(log);
      std::size_t whole = 0;
      CHECK(reader.seen_by_paging(count, same_time, &whole).size() == 6);
      CHECK(whole == 6);
    }
  }
}

TEST_CASE("a page never ends inside a millisecond, even if that makes it longer than was asked for") {
  Log log;
  for (std::uint64_t i = 0; i < 256; ++i) log.add(at(5, i), 10);
  log.add(at(9), 10);
  log.add(at(9, 1), 10);
  Reader reader(log);
  CHECK(reader.list(0, 1).size() == 2);
  CHECK(reader.list(0, 2).size() == 2);
  CHECK(reader.list(0, 3).size() == 258);
  CHECK(reader.list(noon + 8, 50).size() == 256);
  for (const auto& row : reader.list(0, 3)) CHECK(row.whole);
}

TEST_CASE("as many messages as one millisecond can have fit one frame, in short where they must") {
  Log log;
  log.add(at(1), 60000);
  for (std::uint64_t i = 0; i < 256; ++i) log.add(at(5, i), i % 2 == 0 ? 10 : 60000);
  log.add(at(9), 60000);
  Reader reader(log);
  const auto rows = reader.list(noon + 5, 50);
  CHECK(rows.size() >= 256);
  CHECK(std::ranges::count_if(rows, &Row::whole) >= 128);
  CHECK(reader.seen_by_paging(50, true).size() == 258);
  CHECK(reader.seen_by_paging(50, false).size() == 258);
  CHECK(reader.seen_by_paging(1, false).size() == 258);
}

TEST_CASE("one message is one where it is alone in its millisecond") {
  Log log;
  for (std::uint64_t i = 1; i <= 3; ++i) log.add(at(i), 10);
  Reader reader(log);
  CHECK(reader.list(noon + 2, 1).size() == 1);
  CHECK(reader.list(noon + 2, 1)[0].mid == at(2));
  CHECK(reader.list(noon + 2, 2).size() == 2);
  CHECK(reader.list(0, 1)[0].mid == at(3));
  CHECK(reader.list(1, 50).empty());
}

TEST_CASE("paging sees everything and ends, whatever the log") {
  std::mt19937 random(11);
  const auto below = [&random](std::uint32_t limit) { return random() % limit; };
  for (int round = 0; round < 60; ++round) {
    Log log;
    log.page_bytes = 1000u << below(10);
    std::uint64_t moment = 1;
    for (auto bursts = 1 + below(12); bursts > 0; --bursts) {
      moment += below(3) == 0 ? 1 : 1 + below(5000);
      const auto messages = below(4) == 0 ? 1 + below(140) : 1 + below(3);
      for (std::uint64_t i = 0; i < messages; ++i) log.add(at(moment, i), below(10) == 0 ? below(66000) : below(400));
    }
    for (const std::size_t count : {1u, 2u, 7u, 50u}) {
      Reader reader(log);
      INFO("round " << round << ", count " << count);
      REQUIRE(reader.seen_by_paging(count, false).size() == log.messages.size());
      if (count > 1) REQUIRE(reader.seen_by_paging(count, true).size() == log.messages.size());
    }
  }
}

TEST_CASE("what is listed or looked up counts as delivered, once, and only what others wrote") {
  Dialogue d;
  const auto mine = [] {
    auto own = message(at(3), "{}");
    Message changed = *own.message;
    changed.sender = static_cast<UserId>(7);
    own.message = std::make_shared<Message>(std::move(changed));
    return own;
  }();
  auto known = message(at(2), "{}");
  known.receipt = Receipt::delivered;
  d.messaging().histories.rule = [&](const auto&) { return Page{{mine, known, message(at(1), "{}")}, 0, false}; };
  d.messaging().messages.rule = [&](const auto& call) { return message(raw(call.request), "{}"); };
  d.ask(R"({"id":1,"route":"/core/channel/message/list","data":{"cid":5,"start_time":0,"count":50}})");
  REQUIRE(d.messaging().marks.calls.size() == 1);
  CHECK(d.messaging().marks.last().mark == MarkId::delivered);
  CHECK(d.messaging().marks.last().messages == std::vector{static_cast<MessageId>(at(1))});
  d.ask(R"({"id":1,"route":"/core/channel/message/get","data":{"mid":77}})");
  REQUIRE(d.messaging().marks.calls.size() == 2);
  CHECK(d.messaging().marks.last().messages == std::vector{static_cast<MessageId>(77)});
}
