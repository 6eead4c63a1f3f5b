// Fills an empty store for measurements of reads: one user, `reader`, who has a direct conversation with each of many
// others, and has read half of each. Through the interface of the SDK, so that it works for every storage.
//
//   storage_fill --plugin FILE.so [--set option=value]… [--data DIRECTORY] --rows M --conversations C [--content BYTES]
//
// The others are called other1, other2 …; a message comes every 2.6 seconds from 2025 on. Prints one line of JSON.
#include "plugin.hpp"
#include "raw.hpp"

namespace {

using namespace loft;
using namespace loft::load;

constexpr std::uint64_t base = std::uint64_t{1'000'000'000} << 12;
constexpr std::uint64_t between = std::uint64_t{2600} << 12;
constexpr auto reader = static_cast<UserId>(std::uint64_t{1} << 20);

UserId other(std::uint64_t n) { return static_cast<UserId>((n + 2) << 20); }
ConversationId conversation(std::uint64_t n) { return static_cast<ConversationId>((n + 1) << 24); }

std::string uuid(std::uint64_t n) {
  const auto digits = std::to_string(n);
  return "00000000-0000-4000-8000-" + std::string(12 - digits.size(), '0') + digits;
}

void write_people(Storage& storage, std::uint64_t count) {
  constexpr std::uint64_t page = 1000;
  for (std::uint64_t first = 0; first < count; first += page) {
    std::vector<User> users;
    std::vector<Conversation> conversations;
    std::vector<Member> members;
    if (first == 0) users.push_back({reader, "reader", uuid(0), 1, {}});
    for (auto n = first; n < std::min(count, first + page); ++n) {
      users.push_back({other(n), "other" + std::to_string(n + 1), uuid(n + 1), 1, {}});
      Conversation one;
      one.id = conversation(n);
      one.kind = ConversationKind::direct;
      one.low = reader;
      one.high = other(n);
      one.uuid = uuid(n + 1'000'000);
      conversations.push_back(one);
      for (const auto user : {reader, other(n)}) {
        Member member;
        member.conversation = one.id;
        member.user = user;
        members.push_back(member);
      }
    }
    Batch batch;
    batch.users = users;
    batch.conversations = conversations;
    batch.members = members;
    commit(storage, batch);
  }
}

/// Round robin, so that each log is spread over the whole table; every third message is the reader's own.
std::vector<Seq> write_messages(Storage& storage, const Arguments& a) {
  const auto rows = a["rows"], logs = a["conversations"];
  const std::string content = "{\"text\":\"" + std::string(std::max<std::uint64_t>(a["content"], 12) - 11, 'x') + "\"}";
  std::vector<Seq> heads(logs, 0);
  std::mt19937_64 random(1);
  const auto page = std::min<std::uint64_t>(a["batch"], logs);
  for (std::uint64_t done = 0; done < rows;) {
    std::vector<Message> messages(std::min(page, rows - done));
    std::vector<NewMessage> news;
    std::vector<HeadUpdate> updates;
    for (auto& m : messages) {
      const auto n = done % logs;
      m.id = static_cast<MessageId>(base + ++done * between);
      m.conversation = conversation(n);
      m.seq = ++heads[n];
      m.sender = m.seq % 3 == 0 ? reader : other(n);
      m.domain = "Core:Text";
      m.content = content;
      news.push_back({&m, ClientKey{{random() >> 1, random() >> 1}, random() >> 1}});
      updates.push_back({m.conversation, m.seq - 1, m.seq, m.id});
    }
    Batch batch;
    batch.applied_upto = base + done * between;
    batch.heads = updates;
    batch.messages = news;
    commit(storage, batch);
  }
  return heads;
}

void write_marks(Storage& storage, const std::vector<Seq>& heads) {
  std::vector<MarkWrite> marks;
  for (std::uint64_t n = 0; n < heads.size(); ++n) {
    if (heads[n] < 2) continue;
    const auto half = std::to_string(heads[n] / 2);
    const auto newest = base + (heads[n] / 2 * heads.size()) * between;
    marks.push_back({reader, conversation(n), "read",
                     R"({"newest":)" + std::to_string(newest) + R"(,"reached":0,"set":[[1,)" + half + "]]}"});
  }
  Batch batch;
  batch.marks = marks;
  commit(storage, batch);
}

}  // namespace

int main(int count, char** words) {
  PluginFile plugin;
  const Arguments a(count, words, PluginFile::words,
                    [&](const std::string& word, const std::string& value) { return plugin.take(word, value); });
  try {
    testing::FakeHost host("storage.measured", plugin.data);
    const auto storage = plugin.start(host);
    const auto start = std::chrono::steady_clock::now();
    write_people(*storage, a["conversations"]);
    write_marks(*storage, write_messages(*storage, a));
    storage->stop(host.clock().steady() + 60'000);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("{\"rows\":%llu,\"conversations\":%llu,\"seconds\":%.1f}\n", static_cast<unsigned long long>(a["rows"]),
                static_cast<unsigned long long>(a["conversations"]), took.count());
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "storage_fill: %s\n", e.what());
    return 1;
  }
}
