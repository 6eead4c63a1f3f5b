// The HTTP interface of the block list.
#include <catch2/catch.hpp>

#include "block_list/block_list.hpp"
#include "support.hpp"

using namespace policy_test;
using namespace loft::block_list;

namespace {

/// Can be read, and takes nothing.
class LostStore final : public KeyValues {
 public:
  FakeKeyValues empty;

  void put(const Caller&, std::vector<KeyChange>, Done<bool> done) override {
    done(Error{Code::unavailable, "storage.lost", "db1:5432"});
  }
  void get(const Caller& caller, std::string key, Done<std::optional<std::string>> done) override {
    empty.get(caller, std::move(key), std::move(done));
  }
  void list(const Caller& caller, std::string prefix, std::string after, std::size_t limit,
            Done<std::vector<KeyValue>> done) override {
    empty.list(caller, std::move(prefix), std::move(after), limit, std::move(done));
  }
  Result<std::vector<KeyValue>> read(const std::string& prefix, const std::string& after, std::size_t limit) override {
    return empty.read(prefix, after, limit);
  }
  Result<void> write(std::vector<KeyChange>) override { return Error{Code::unavailable, "storage.lost", {}}; }
};

struct Routed : Bench<BlockListPlugin> {
  FakeRoutes http;

  Routed(Options options = {}, KeyValues* other_store = nullptr) : Bench(options) {
    if (other_store != nullptr) host.key_values_service = other_store;
    users.add("ann", 1);
    users.add("bob", 2);
    users.add("c/d", 3);
    Claims ann;
    ann.subject = "ann";
    identity.tokens["of-ann"] = ann;
    Claims nobody;
    nobody.subject = "nobody";
    identity.tokens["of-nobody"] = nobody;
    identity.refused["old"] = Error{Code::unauthenticated, "token.expired", {}};
    run();
    plugin.routes(http);
  }

  std::shared_ptr<FakeExchange> call(HttpMethod method, const std::string& path, const std::string& token = "of-ann") {
    std::map<std::string, std::string> headers;
    if (!token.empty()) headers["Authorization"] = "Bearer " + token;
    return http.request(method, "/api/v1/blocks" + path, {}, headers);
  }
};

}  // namespace

TEST_CASE("a list is edited and read, with all names of who is on it") {
  Routed bench;
  CHECK(bench.call(HttpMethod::get, "")->answer == R"({"blocks":[],"limit":500})");
  CHECK(bench.call(HttpMethod::put, "/bob")->status == 204);
  CHECK(bench.call(HttpMethod::put, "/bob")->status == 204);
  CHECK(bench.call(HttpMethod::put, "/c%2Fd")->status == 204);
  const auto listed = bench.call(HttpMethod::get, "");
  CHECK(listed->status == 200);
  CHECK(listed->type == "application/json");
  CHECK(listed->answer == R"({"blocks":[{"user":"bob","uid":2,"uuid":"00000000-0000-8000-8000-100000000002"},)"
                          R"({"user":"c/d","uid":3,"uuid":"00000000-0000-8000-8000-100000000003"}],"limit":500})");
  CHECK(bench.call(HttpMethod::del, "/2?by=id")->status == 204);
  CHECK(bench.call(HttpMethod::del, "/00000000-0000-8000-8000-100000000003?by=uuid")->status == 204);
  CHECK(bench.call(HttpMethod::del, "/bob")->status == 204);
  CHECK(bench.call(HttpMethod::get, "")->answer == R"({"blocks":[],"limit":500})");
  CHECK(bench.store.values.size() == 1);
}

TEST_CASE("whoever does not prove who they are edits nothing") {
  Routed bench;
  for (const std::string token : {"", "forged", "old"}) {
    for (const auto method : {HttpMethod::put, HttpMethod::del}) {
      const auto refused = bench.call(method, "/bob", token);
      CHECK(refused->status == 401);
      CHECK(refused->answer_headers.at("WWW-Authenticate") == "Bearer");
    }
    CHECK(bench.call(HttpMethod::get, "", token)->status == 401);
  }
  CHECK(bench.call(HttpMethod::get, "", "old")->answer ==
        R"({"type":"about:blank","title":"Unauthorized","status":401,"reason":"token.expired"})");
  CHECK(bench.call(HttpMethod::get, "", "of-nobody")->status == 404);
  CHECK(bench.store.values.empty());
}

TEST_CASE("what cannot be blocked is refused with a reason") {
  Routed bench{{"limit", std::int64_t{1}}};
  const auto problem = [&](const std::string& path) {
    const auto refused = bench.call(HttpMethod::put, path);
    CHECK(refused->type == "application/problem+json");
    return std::to_string(refused->status) + " " + refused->answer;
  };
  CHECK_THAT(problem("/ann"), Catch::StartsWith("400") && Catch::Contains("blocks.self"));
  CHECK_THAT(problem("/zoe"), Catch::StartsWith("404") && Catch::Contains("user.unknown"));
  CHECK_THAT(problem("/bob?by=name"), Catch::StartsWith("400") && Catch::Contains("by is one of handle, id, uuid"));
  CHECK_THAT(problem("/bob?by=id"), Catch::StartsWith("400") && Catch::Contains("whole number"));
  CHECK(bench.call(HttpMethod::put, "/bob")->status == 204);
  CHECK_THAT(problem("/c%2Fd"),
             Catch::StartsWith("409") && Catch::Contains("blocks.too_many") && Catch::Contains("at most 1 users"));
}

TEST_CASE("an edit of a list that somebody else has changed meanwhile keeps both changes") {
  Routed bench;
  CHECK(bench.call(HttpMethod::put, "/bob")->status == 204);
  // As another host of the store would: c/d instead of bob, in a newer version.
  bench.store.values.begin()->second = encode(List{5, static_cast<UserId>(1), {static_cast<UserId>(3)}});
  bench.users.add("eve", 4);
  CHECK(bench.call(HttpMethod::put, "/eve")->status == 204);
  const auto kept = decode("blocks/1", bench.store.values.begin()->second);
  REQUIRE(kept);
  CHECK(kept->version == 6);
  CHECK(kept->blocked.size() == 2);
  CHECK(kept->holds(static_cast<UserId>(3)));
  CHECK(kept->holds(static_cast<UserId>(4)));
}

TEST_CASE("a store that does not answer is said to be out of service, without its words") {
  LostStore store;
  Routed bench({}, &store);
  const auto refused = bench.call(HttpMethod::put, "/bob");
  CHECK(refused->status == 503);
  CHECK(refused->answer_headers.at("Retry-After") == "1");
  CHECK(refused->answer.find("db1") == std::string::npos);
  CHECK(bench.call(HttpMethod::get, "")->answer == R"({"blocks":[],"limit":500})");  // nothing came into force
}
