// What an operator does for users.
#include "cli_bench.hpp"

#include <catch2/catch.hpp>

using namespace loft;
using namespace loft::tests;

TEST_CASE("a service's token is made for a name that becomes a user, and only it says so") {
  Bench bench;
  const FixedClock clock;
  const JwtIdentity identity(std::string(config::development_secret), "loft", 0, clock);
  const auto service = [&] { return identity.verify(std::string_view(bench.out).substr(0, bench.out.size() - 1)); };
  CHECK(bench.run({"token", "billing"}) == 1);
  CHECK(bench.run({"token", "billing", "--service", "--ttl", "2000d"}) == 0);
  REQUIRE(service().ok());
  CHECK(service()->service);
  CHECK(bench.host.users.size() == 1);
  CHECK(bench.run({"token", "billing", "--ttl", "2000d"}) == 0);
  CHECK_FALSE(service()->service);
  CHECK(bench.run({"token", "billing", "--service", "--ttl", "2000d"}) == 0);
  CHECK(bench.host.users.size() == 1);
}

TEST_CASE("a password goes from standard input to the plugin that keeps passwords") {
  Bench bench;
  bench.host.users.push_back({static_cast<UserId>(5), "ann", "x", 0});
  ListStore::asked.clear();
  const Input input(bench.folder, "correct \"horse\"\nand more\n");
  CHECK(bench.run({"user", "password", "ann"}) == 0);
  CHECK(bench.out == "set the password of ann\n");
  CHECK(ListStore::asked == std::vector<std::string>{R"(auth.password {"uid":5,"password":"correct \"horse\""})"});
  CHECK(bench.run({"user", "password", "ann", "--remove"}) == 0);
  CHECK(ListStore::asked.back() == R"(auth.password {"uid":5,"remove":true})");
  CHECK(bench.run({"user", "password", "eve", "--remove"}) == 1);
  CHECK_THAT(bench.err, Catch::Contains("make one with `loft user add eve`"));
  ListStore::has_passwords = false;
  CHECK(bench.run({"user", "password", "ann", "--remove"}) == 1);
  CHECK_THAT(bench.err, Catch::Contains("add the contract `auth` to a listener"));
  ListStore::has_passwords = true;
}

TEST_CASE("without a first line there is no password") {
  Bench bench;
  bench.host.users.push_back({static_cast<UserId>(5), "ann", "x", 0});
  for (const auto* text : {"", "\n", "\nlate\n"}) {
    const Input input(bench.folder, text);
    CHECK(bench.run({"user", "password", "ann"}) == 1);
    CHECK_THAT(bench.err, Catch::Contains("no password"));
  }
  const Input input(bench.folder, "\xff\n");
  CHECK(bench.run({"user", "password", "ann"}) == 1);
  CHECK_THAT(bench.err, Catch::Contains("not UTF-8"));
}

TEST_CASE("announcements go to all, notices to one, from a sender that is made where it is missing") {
  Bench bench;
  bench.host.users.push_back({static_cast<UserId>(5), "ann", "x", 0});
  auto& submitted = ListStore::submitted;
  submitted.clear();
  CHECK(bench.run({"announce", "news", "--text", "We are \"back\""}) == 0);
  CHECK(bench.out == "sent as message 77\n");
  CHECK(bench.host.users.back().handle == "system");
  CHECK(submitted.back().first == bench.host.users.back().id);
  CHECK(submitted.back().second.to.by == ConversationRef::By::broadcast);
  CHECK(submitted.back().second.to.text == "news");
  CHECK(submitted.back().second.domain == "Core:Text");
  CHECK(submitted.back().second.content == R"({"text":"We are \"back\""})");

  CHECK(bench.run({"notify", "ann", "--topic", "orders", "--domain", "Shop:Order", "--content", R"({"id": 7})", "--as",
                   "ann", "--client-id", "o7", "--json"}) == 0);
  CHECK(bench.out == "{\"message\":77,\"conversation\":0,\"repeated\":false}\n");
  CHECK(submitted.back().first == static_cast<UserId>(5));
  CHECK(submitted.back().second.to.by == ConversationRef::By::system);
  CHECK(submitted.back().second.to.text == "orders");
  CHECK(submitted.back().second.to.peer.number == 5);
  CHECK(submitted.back().second.domain == "Shop:Order");
  CHECK(submitted.back().second.content == R"({"id": 7})");
  CHECK(submitted.back().second.client_id == "o7");

  CHECK(bench.run({"notify", "eve", "--topic", "orders", "--text", "x"}) == 1);
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"announce", "news"},
                                             {"announce", "--text", "x"},
                                             {"notify", "ann", "--text", "x"},
                                             {"announce", "news", "--text", "x", "--content", "{}"},
                                             {"announce", "news", "--content", "{}"},
                                             {"announce", "news", "--domain", "A:B"},
                                             {"announce", "news", "--domain", "A:B", "--content", "[]"},
                                             {"announce", "news", "--domain", "A:B", "--content", "{"},
                                             {"announce", "news", "--text", "\xff"}}) {
    CHECK(bench.run(words) == 64);
  }
  CHECK(submitted.size() == 2);
}
