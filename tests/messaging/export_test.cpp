// Exporting what is stored about users.
#include <catch2/catch.hpp>

#include <set>

#include "erasing.hpp"

namespace loft::tests {
namespace {

TEST_CASE("an export has the user, memberships, marks, own messages, and received ones where they are wanted") {
  Erasing f;
  auto& world = f.world;
  const auto a = world.user("ann"), b = world.user("ben");
  for (int i = 0; i < 5; ++i) {
    send(world, a, b, R"({"text":"mine"})");
    send(world, b, a, R"({"text":"theirs"})");
  }
  const auto group = world.group(b, {a})->conversation->id;
  send(world, a, group, R"({"text":"mine"})");
  send(world, b, group, R"({"text":"of others"})");
  REQUIRE(reason_of(world.read_up_to(a, group, world.storage.all_messages().back().id)) == "ok");
  const auto all = [&](bool received) {
    std::string text;
    ExportPlace place;
    for (bool more = true; more;) {
      const auto page = f.exporter->page(f.stored(a), place, received);
      REQUIRE(reason_of(page) == "ok");
      for (const auto& line : page->lines) text += line + "\n";
      place = page->next;
      more = page->more;
    }
    return text;
  };
  const auto count = [](const std::string& text, const std::string& word) {
    std::size_t found = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  };
  const auto own = all(false), both = all(true);
  CHECK(count(own, R"("type":"user")") == 1);
  CHECK(count(own, R"("handle":"ann")") == 1);
  CHECK(count(own, R"("type":"test.kept","data":{"a":1})") == 1);
  CHECK(count(own, R"("type":"membership")") == 2);
  CHECK(count(own, R"("with_handle":"ben")") == 1);
  CHECK(count(own, R"("type":"mark")") >= 1);
  CHECK(count(own, R"("content":{"text":"mine"})") == 6);
  CHECK(count(own, "theirs") == 0);
  CHECK(count(both, R"("content":{"text":"mine"})") == 6);
  CHECK(count(both, R"("received":true)") == 5);
  CHECK(count(both, "of others") == 0);
}

TEST_CASE("an export of what a storage reads with numbers that do not exist says so, and goes on") {
  Erasing f;
  auto& world = f.world;
  const auto a = world.user("ann");
  auto group = world.used_storage.conversation(world.group(a, {})->conversation->id).operator*().value().conversation;
  group.kind = static_cast<ConversationKind>(9);
  Member member{group.id, a, static_cast<Role>(7)};
  Batch batch;
  batch.conversations = std::span(&group, 1);
  batch.members = std::span(&member, 1);
  REQUIRE(world.used_storage.commit(batch));
  const auto page = f.exporter->page(f.stored(a), {}, false);
  REQUIRE(reason_of(page) == "ok");
  std::string text;
  for (const auto& line : page->lines) text += line;
  CHECK(text.find(R"("kind":"unknown")") != std::string::npos);
  CHECK(text.find(R"("role":"unknown")") != std::string::npos);
}

TEST_CASE("an export of many messages comes in pages, without a gap and without a repeat") {
  Erasing f;
  auto& world = f.world;
  const auto a = world.user("ann"), b = world.user("ben");
  std::vector<Submission> many(500, World::to_user(b, "{}"));
  for (int i = 0; i < 5; ++i) REQUIRE(reason_of(world.submit_all(world.http(a), many)) == "ok");
  send(world, a, a, "{}");
  std::set<std::string> lines;
  std::size_t count = 0, pages = 0;
  ExportPlace place;
  for (bool more = true; more; ++pages) {
    const auto page = f.exporter->page(f.stored(a), place, true);
    REQUIRE(reason_of(page) == "ok");
    CHECK(page->lines.size() < 2'500);
    for (const auto& line : page->lines) count += lines.insert(line).second ? 1 : 1'000'000;
    place = page->next;
    more = page->more;
  }
  CHECK(pages > 1);
  CHECK(std::count_if(lines.begin(), lines.end(),
                      [](const auto& line) { return line.find(R"("type":"message")") != std::string::npos; }) == 2'501);
  CHECK(count == lines.size());
}

}  // namespace
}  // namespace loft::tests
